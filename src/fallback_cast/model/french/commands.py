"""French of the terminal: options, progress, results, mistakes of the person who types."""

COMMANDS: dict[str, str] = {
    # help
    "One announcement over ranked channels, with automatic fallback when a platform is out.": (
        "Une annonce, plusieurs canaux classés, et le repli automatique quand une plateforme est en panne."
    ),
    "Example:": "Exemple :",
    "fallback-cast send -t 'Contest cancelled' -b 'The pitch is flooded.' -i urgent": (
        "fallback-cast send -t 'Concours annulé' -b 'Le terrain est inondé.' -i urgent"
    ),
    "TEXT": "TEXTE",
    "FILE": "FICHIER",
    "FOLDER": "DOSSIER",
    "NAME": "NOM",
    "NUMBER": "NOMBRE",
    "WHEN": "QUAND",
    "ADDRESS": "ADRESSE",
    "KEY": "CLÉ",
    "DURATION": "DURÉE",
    "IMPORTANCE": "IMPORTANCE",
    "{name} is missing": "il manque {name}",
    "there is no option {name}": "l'option {name} n'existe pas",
    "there is no command {name}": "la commande {name} n'existe pas",
    "{name} wants a value": "il faut une valeur après {name}",
    "nothing more is wanted after the command: {name}": "il y a un mot de trop : {name}",
    "this is no value for {name}": "cette valeur ne convient pas à {name}",
    "did you mean {name}? All options: {command} --help": "vouliez-vous dire {name} ? Toutes les options : {command} --help",
    "{command} --help explains": "{command} --help explique tout",
    "The settings file (default: channels.toml)": "Le fichier de réglages (par défaut : channels.toml)",
    "One JSON object on standard output": "Un objet JSON sur la sortie standard",
    "Language: fr or en": "Langue : fr ou en",
    "No colours": "Sans couleurs",
    "The announcement's id (its beginning is enough) or its code": (
        "L'identifiant de l'annonce (son début suffit) ou son code"
    ),
    "The announcement; without it: the newest ones": "L'annonce ; sans elle : les plus récentes",
    "Every recipient with its attempts": "Chaque destinataire avec ses tentatives",
    "Ask a few questions and write channels.toml.": "Pose quelques questions et écrit channels.toml.",
    "Check settings, credentials and reach of every channel; messages nobody.": (
        "Vérifie réglages, identifiants et accès de chaque canal, sans écrire à personne."
    ),
    "Only these channels": "Seulement ces canaux",
    "Announce something to everybody.": "Annonce quelque chose à tout le monde.",
    "The title: one line": "Le titre, sur une ligne",
    "The text, in Markdown": "Le texte, en Markdown",
    "A file with the text (default: standard input)": "Un fichier avec le texte (par défaut : l'entrée standard)",
    "info, normal or urgent": "info, normal ou urgent",
    "Only members of this group": "Seulement les membres de ce groupe",
    "Only this channel": "Seulement ce canal",
    "Begin then: 2026-11-28 14:30, 14:30 or 2h": "Commencer à : 2026-11-28 14:30, 14:30 ou 2h",
    "Of no use after this moment": "Inutile après ce moment",
    "When the event takes place": "Quand l'événement a lieu",
    "Where the event takes place": "Où l'événement a lieu",
    "A page with more": "Une page qui en dit plus",
    "A word of your own: with the same one nothing is announced twice": "Un mot à vous : avec le même, rien n'est annoncé deux fois",
    "Nothing on public places": "Rien sur les lieux publics",
    "On public places too, with --group or --private": "Aussi sur les lieux publics, avec --group ou --private",
    "To the organiser alone": "À l'organisateur seul",
    "Even if the same went out within the last hour": "Même si la même annonce est partie dans l'heure",
    "Show routes, parts and cost; send nothing": "Montrer qui recevrait quoi, par où et à quel prix, sans rien envoyer",
    "Do not ask": "Ne pas poser de question",
    "Store it and leave the sending to another process": "L'enregistrer sans l'envoyer ; un autre fallback-cast l'enverra",
    "Return after this long, e.g. 5m; what is open goes on later": (
        "Rendre la main après cette durée, par ex. 5m ; le reste continue plus tard"
    ),
    "Where an announcement stands, or the newest ones.": "Où en est une annonce, ou les plus récentes.",
    "The newest announcements.": "Les annonces les plus récentes.",
    "How many": "Combien",
    "Watch an announcement go out, whoever sends it.": "Regarde une annonce partir, même si un autre programme l'envoie.",
    "Settle what an interrupted run left.": "Termine ce qu'un envoi interrompu a laissé.",
    "Take up unreached recipients again, with today's settings.": (
        "Reprend les destinataires non atteints, avec les réglages d'aujourd'hui."
    ),
    "The whole story on this machine, with no account: a platform goes down in mid-broadcast.": (
        "Toute l'histoire sur cette machine, sans aucun compte : une plateforme tombe au milieu d'un envoi."
    ),
    "Where the demo keeps its files": "Où la démonstration garde ses fichiers",
    "The members and their addresses.": "Les membres et leurs adresses.",
    "Make the members of a CSV file the members.": "Fait des membres d'un fichier CSV les membres.",
    "CSV with the columns name, language, groups, and one for each channel": (
        "CSV avec les colonnes name (nom), language, groups, et une par canal"
    ),
    "Check it, change nothing": "Vérifier, ne rien changer",
    "The members and on which channels they have an address.": "Les membres et les canaux où ils ont une adresse.",
    "Show the version": "Montrer la version",
    # send
    "announcement {id} (code {code}) is stored": "annonce {id} (code {code}) enregistrée",
    "this key was used before: announcement {id} (code {code})": "cette clé a déjà servi : annonce {id} (code {code})",
    "nothing is sent by this command; a running fallback-cast, or `fallback-cast resume`, goes on": (
        "cette commande n'envoie rien ; un fallback-cast en marche, ou `fallback-cast resume`, continue"
    ),
    "nothing is open": "rien n'est en cours",
    "taken up again: {count}": "repris : {count}",
    "recipients by the channel that is tried first: {first}": "destinataires, selon le premier canal essayé : {first}",
    "{channel} costs {first}; at most {most} if all other channels fail": (
        "{channel} coûte {first}, et au plus {most} si tous les autres canaux échouent"
    ),
    "Send it now? [Y/n]": "Envoyer maintenant ? [O/n]",
    "nothing was sent, and nothing is stored": "rien n'a été envoyé, ni enregistré",
    "{moment} is past": "{moment}, c'est déjà passé",
    "nobody is in the group {name!r}": "personne n'est dans le groupe {name!r}",
    "`fallback-cast members import FILE` brings members and groups in": (
        "`fallback-cast members import FICHIER` fait entrer les membres et leurs groupes"
    ),
    "another fallback-cast is sending; this one watches, and takes over if it ends": (
        "un autre fallback-cast envoie déjà ; celui-ci regarde, et prend la suite s'il s'arrête"
    ),
    "interrupted, not cancelled: what was on its way may have gone out, the rest is stored and goes on with `fallback-cast resume`": (
        "interrompu, pas annulé : ce qui était en chemin est peut-être parti, le reste est enregistré ; "
        "`fallback-cast resume` continue l'envoi"
    ),
    "stopped; what is stored is not lost: `fallback-cast resume` goes on": (
        "arrêté ; ce qui est enregistré n'est pas perdu : `fallback-cast resume` continue"
    ),
    "it goes on at {moment}; keep this machine on and run `fallback-cast resume`, by hand or by cron": (
        "la suite est prévue pour le {moment} ; laissez cette machine allumée et lancez "
        "`fallback-cast resume`, à la main ou par une tâche planifiée (cron)"
    ),
    "the same title and text went out within the last hour, as {id}": (
        "le même titre et le même texte sont partis dans l'heure : {id}"
    ),
    "add --again if you mean it": "ajoutez --again si c'est voulu",
    "this key was used for another announcement, {id}": "cette clé a servi pour une autre annonce, {id}",
    "use a new key for a new text": "prenez une nouvelle clé pour un nouveau texte",
    "the settings do not say where the organiser can be reached": (
        "les réglages ne disent pas où joindre l'organisateur"
    ),
    "see [[health.organisers]] in channels.example.toml": "voyez [[health.organisers]] dans channels.example.toml",
    "{text!r} is no importance": "{text!r} n'est pas une importance",
    "{text!r} is no duration": "{text!r} n'est pas une durée",
    "write for example 5m": "écrivez par exemple 5m",
    "--body and --file were both given": "--body et --file sont donnés tous les deux",
    "give one of them": "donnez l'un des deux",
    "the file cannot be read: {why}": "le fichier ne peut pas être lu : {why}",
    "there is no text": "il n'y a pas de texte",
    "give --body TEXT, --file FILE, or the text on standard input": (
        "donnez --body TEXTE, --file FICHIER, ou le texte sur l'entrée standard"
    ),
    "the text is longer than {limit} MB": "le texte dépasse {limit} Mo",
    "the text is not UTF-8 (line {line})": "le texte n'est pas en UTF-8 (ligne {line})",
    "save it as UTF-8": "enregistrez-le en UTF-8",
    "{text!r} is no moment": "{text!r} n'est pas un moment",
    "write for example 2026-11-28 14:30, or 14:30, or 2h": "écrivez par exemple 2026-11-28 14:30, ou 14:30, ou 2h",
    "the announcement would expire before it begins": "l'annonce expirerait avant de commencer",
    "give a later --expires": "donnez un --expires plus tardif",
    "give a title of one short line": "donnez un titre d'une ligne courte",
    "the title is empty": "le titre est vide",
    "the title has {count} characters; at most {limit} are allowed": (
        "le titre a {count} caractères ; {limit} au plus sont permis"
    ),
    "the text is empty": "le texte est vide",
    "the text has {size} MB; at most {limit} MB are sent": "le texte a {size} Mo ; {limit} Mo au plus sont envoyés",
    "shorten it and put the rest on your site, with --link": (
        "raccourcissez-le et mettez le reste sur votre site, avec --link"
    ),
    "the link is not an address on the web": "le lien n'est pas une adresse web",
    "it begins with https://": "elle commence par https://",
    "there is no channel {name!r}": "il n'y a pas de canal {name!r}",
    "nobody would be told: no channel has a place, and there are no members": (
        "personne ne serait prévenu : aucun canal n'a de lieu, et il n'y a pas de membres"
    ),
    "add a place to a channel in the settings, or import members": (
        "ajoutez un lieu à un canal dans les réglages, ou importez des membres"
    ),
    # plan
    "plan: {total} recipients; nothing is sent": "plan : {total} destinataires ; rien n'est envoyé",
    "left out: {count} ({reason})": "laissés de côté : {count} ({reason})",
    "cannot be reached: {count} ({reason})": "impossibles à joindre : {count} ({reason})",
    # progress and results
    "↷ {channel}: passed over, {reason} → {next}": "↷ {channel} : sauté, {reason} → {next}",
    "↷ {channel}: {reason} → {next}": "↷ {channel} : {reason} → {next}",
    "✗ {channel}: {reason}": "✗ {channel} : {reason}",
    "✓ {recipient}: accepted by {channel}, unconfirmed": "✓ {recipient} : accepté par {channel}, non confirmé",
    "✓ {channel}: published": "✓ {channel} : publié",
    "✓ {recipient}: reached by {channel}": "✓ {recipient} : atteint par {channel}",
    "✗ {recipient}: {reason}": "✗ {recipient} : {reason}",
    "⚠ {channel} is down: {reason}": "⚠ {channel} est en panne : {reason}",
    "⚠ {channel} is back": "⚠ {channel} est de retour",
    "… {recipient}: waits for {channel} ({reason})": "… {recipient} : attend {channel} ({reason})",
    "everyone": "tout le monde",
    "organiser": "organisateur",
    "settled": "terminé",
    "{reached} reached, {pending} pending, {unreached} unreached": (
        "{reached} atteints, {pending} en cours, {unreached} non atteints"
    ),
    "{count} may have been told twice": "{count} ont peut-être été prévenus deux fois",
    "who was not reached: fallback-cast unreached {id}": "qui n'a pas été atteint : fallback-cast unreached {id}",
    "page: {url}": "page : {url}",
    "{count} by fallback": "{count} par repli",
    "[ ] {name}: {reasons} ({state})": "[ ] {name} : {reasons} ({state})",
    "nobody so far; {count} still pending": "personne pour l'instant ; {count} encore en cours",
    "everybody was reached": "tout le monde a été atteint",
    "no announcement yet": "pas encore d'annonce",
    "{id}  {code}  {state}  {reached}/{total} reached  {title}": (
        "{id}  {code}  {state}  {reached}/{total} atteints  {title}"
    ),
    "{given!r} fits several announcements": "{given!r} désigne plusieurs annonces",
    "there is no announcement {given!r}": "il n'y a pas d'annonce {given!r}",
    "`fallback-cast list` shows them": "`fallback-cast list` les montre",
    "channel": "canal",
    "accepted": "accepté",
    "delivered": "remis",
    "failed": "échoué",
    "unknown": "inconnu",
    "passed over": "sauté",
    "begun": "commencé",
    "recipient": "destinataire",
    "state": "état",
    "reasons": "raisons",
    "reached": "atteint",
    "unreached": "non atteint",
    "pending": "en cours",
    "held": "retenu",
    "no message leaves this machine's own network: {count} recipients are held, nobody is lost": "aucun message ne sort du réseau de cette machine : {count} destinataires sont retenus, personne n'est perdu",
    "excluded": "exclu",
    "expired": "expiré",
    "cancelled": "annulé",
    "scheduled": "programmé",
    "dispatching": "envoi en cours",
    "up": "en marche",
    "suspect": "douteux",
    "down": "en panne",
    "recovering": "de retour, à confirmer",
    "offline": "hors ligne",
    # people, check
    "--- {channel}: please post this text ---": "--- {channel} : veuillez publier ce texte ---",
    "Posted? [y/N]": "Publié ? [o/N]",
    "name": "nom",
    "route": "accès",
    "tls": "TLS",
    "service": "service",
    "account": "compte",
    "rate": "débit",
    "check the host name in the settings, and this machine's name server": (
        "vérifiez le nom d'hôte dans les réglages, et le serveur de noms de cette machine"
    ),
    "check host and port in the settings, the firewall, and whether the server runs": (
        "vérifiez l'hôte et le port dans les réglages, le pare-feu, et que le serveur tourne"
    ),
    "the certificate is refused: check the host name, `security`, and this machine's clock": (
        "le certificat est refusé : vérifiez le nom d'hôte, `security`, et l'horloge de cette machine"
    ),
    "the service answers wrongly: see its status page, and try again later": (
        "le service répond mal : voyez sa page d'état, et réessayez plus tard"
    ),
    "the account is refused: check the user name, password or token, and its rights": (
        "le compte est refusé : vérifiez l'utilisateur, le mot de passe ou le jeton, et ses droits"
    ),
    "the provider asks for patience: try again later": "le fournisseur demande de patienter : réessayez plus tard",
    "warning: {problem}": "attention : {problem}",
    # what the operating system says
    "Is a directory": "c'est un dossier",
    "Not a directory": "ce n'est pas un dossier",
    "Permission denied": "accès refusé",
    "Operation not permitted": "opération non permise",
    "No such file or directory": "il n'existe pas",
    "File exists": "il existe déjà",
    "No space left on device": "le disque est plein",
    "Disk quota exceeded": "l'espace permis est épuisé",
    "Read-only file system": "le disque est en lecture seule",
    "Input/output error": "le disque est défaillant",
    "File name too long": "le nom est trop long",
    # faults
    "internal error: {kind}; nothing is lost, `fallback-cast resume` goes on": (
        "erreur interne : {kind} ; rien de ce qui est enregistré n'est perdu, `fallback-cast resume` continue"
    ),
    "please report it; FALLBACK_CAST_DEBUG=1 shows the details": (
        "merci de la signaler ; FALLBACK_CAST_DEBUG=1 montre les détails"
    ),
    "this machine's clock is behind the last entry of the ledger; nothing is sent": (
        "l'horloge de cette machine retarde sur la dernière entrée du registre ; rien n'est envoyé"
    ),
    "clock {clock} UTC, ledger {ledger} UTC": "horloge {clock} UTC, registre {ledger} UTC",
    "set the clock (timedatectl), then run: fallback-cast resume": (
        "réglez l'horloge (timedatectl), puis lancez : fallback-cast resume"
    ),
    "the ledger was written by a newer fallback-cast": "le registre a été écrit par un fallback-cast plus récent",
    "update this program; the ledger was left as it is": (
        "mettez ce programme à jour ; le registre est resté comme il était"
    ),
    "this database is not a ledger of fallback-cast": "cette base de données n'est pas un registre de fallback-cast",
    "choose another [ledger] url": "choisissez un autre [ledger] url",
    "the ledger refused an operation": "le registre a refusé une opération",
    "please report this": "merci de le signaler",
    "the folder of the ledger does not exist": "le dossier du registre n'existe pas",
    "create it, or change [ledger] url": "créez-le, ou changez [ledger] url",
    "the ledger cannot live on a network file system ({kind})": (
        "le registre ne peut pas vivre sur un système de fichiers réseau ({kind})"
    ),
    "put it on a disk of this machine, or use PostgreSQL": "mettez-le sur un disque de cette machine, ou prenez PostgreSQL",
    "the ledger cannot be created: {why}": "le registre ne peut pas être créé : {why}",
    "check the folder's rights": "vérifiez les droits du dossier",
    "the ledger is locked by another program": "le registre est verrouillé par un autre programme",
    "close the program that holds it, then try again": "fermez le programme qui le tient, puis réessayez",
    "the ledger cannot be written: the disk is full": "le registre ne peut pas être écrit : le disque est plein",
    "free some space, then run: fallback-cast resume": "libérez de la place, puis lancez : fallback-cast resume",
    "the ledger cannot be read or written: the disk reports an error": (
        "le registre ne peut être ni lu ni écrit : le disque signale une erreur"
    ),
    "check the disk": "vérifiez le disque",
    "the ledger may not be written": "le registre n'est pas accessible en écriture",
    "check the rights of the file and its folder": "vérifiez les droits du fichier et de son dossier",
    "the ledger cannot be opened": "le registre ne peut pas être ouvert",
    "this file is not a ledger": "ce fichier n'est pas un registre",
    "choose another [ledger] url, or restore a backup": "choisissez un autre [ledger] url, ou restaurez une sauvegarde",
    "the ledger is damaged": "le registre est abîmé",
    "restore a backup": "restaurez une sauvegarde",
    "this release keeps its ledger in SQLite": "cette version garde son registre dans SQLite",
    'write url = "sqlite:///fallback-cast.db"': 'écrivez url = "sqlite:///fallback-cast.db"',
    "the file of the certificate authority cannot be used": "le fichier de l'autorité de certification est inutilisable",
    # init
    "these settings exist already; nothing was changed": "ces réglages existent déjà ; rien n'a été changé",
    "edit the file, or give another one with --config": "modifiez le fichier, ou donnez-en un autre avec --config",
    "init asks questions, and nobody is there to answer": "init pose des questions, et personne n'est là pour répondre",
    "run it in a terminal, or copy channels.example.toml to channels.toml": (
        "lancez-le dans un terminal, ou copiez channels.example.toml en channels.toml"
    ),
    "{path} is written; you can read and change it": "{path} est écrit ; vous pouvez le relire et le modifier",
    "Check every channel now? Nobody gets a message.": "Vérifier chaque canal maintenant ? Personne ne reçoit de message.",
    "the answers ended too early; nothing was written": "les réponses se sont arrêtées trop tôt ; rien n'a été écrit",
    "[Y/n]": "[O/n]",
    "[y/N]": "[o/N]",
    "A few questions; Enter takes what stands in brackets, Ctrl-C stops.": (
        "Quelques questions. Entrée garde ce qui est entre crochets, Ctrl-C arrête tout."
    ),
    ":": " :",
    "(not shown)": "(invisible pendant la saisie)",
    "stopped; nothing was written": "arrêté ; rien n'a été écrit",
    "answer yes or no": "répondez oui ou non",
    "an answer is wanted here": "il faut une réponse ici",
    "one word, without spaces": "un seul mot, sans espace",
    "write it from https:// on, without ? and #, as the browser shows it": (
        "écrivez-la à partir de https://, sans ? ni #, comme le navigateur la montre"
    ),
    "this is no email address": "ce n'est pas une adresse de courriel",
    "an address without accents, please": "une adresse sans accents, s'il vous plaît",
    "a zone is written like Europe/Paris or Indian/Reunion": "un fuseau s'écrit comme Europe/Paris ou Indian/Reunion",
    "only the name of the server, such as smtp.example.org": "seulement le nom du serveur, comme smtp.example.org",
    "a number, mostly 465 or 587": "un nombre, le plus souvent 465 ou 587",
    "small letters without accents, digits, - and _": "des minuscules sans accents, des chiffres, - et _",
    "this name is taken": "ce nom est déjà pris",
    "a folder of its own, please: passwords and the ledger will lie in this one": (
        "un dossier à part, s'il vous plaît : les mots de passe et le registre seront dans celui-ci"
    ),
    "Known providers of mailboxes: {known}": "Fournisseurs de messagerie connus : {known}",
    "Which one is yours? Enter if none": "Lequel est le vôtre ? Entrée si aucun",
    "Your own email address, for rehearsals (`send --test`) and warnings": (
        "Votre adresse à vous, pour les essais (`send --test`) et les alertes"
    ),
    "nothing was written; run init again with another folder": "rien n'a été écrit ; relancez init avec un autre dossier",
    "no channel was chosen: nobody could be told anything": "aucun canal n'a été choisi : personne ne pourrait être prévenu",
    "nothing was written; run init again": "rien n'a été écrit ; relancez init",
    "create it first": "créez-le d'abord",
    "channels are tried in this order: {order}; the file's order decides": (
        "Les canaux seront essayés dans cet ordre : {order}. C'est l'ordre du fichier qui compte."
    ),
    "What next:": "Et maintenant :",
    "  `fallback-cast members import FILE` if members have addresses of their own": (
        "  `fallback-cast members import FICHIER` si les membres ont leurs propres adresses"
    ),
    "  `fallback-cast send --title … --body … --test` sends to you alone": (
        "  `fallback-cast send --title … --body … --test` n'envoie qu'à vous"
    ),
    "  `fallback-cast send --title … --body … --plan` shows who would get what, and sends nothing": (
        "  `fallback-cast send --title … --body … --plan` montre qui recevrait quoi, sans rien envoyer"
    ),
    "Name of the club": "Nom du club",
    "Time zone": "Fuseau horaire",
    "Does everybody read it? If not, the next channel is used too.": (
        "Est-ce que tout le monde le lit ? Sinon, le canal suivant sert aussi."
    ),
    "Publish on a site of your own? It goes first, and works when all else is down.": (
        "Publier sur votre propre site ? Il passe en premier, et marche quand tout le reste est en panne."
    ),
    "Folder that your web server shows": "Dossier que montre votre serveur web",
    "Its address on the web, if it has one (https://…)": "Son adresse sur le web, s'il en a une (https://…)",
    "Send by email?": "Envoyer par courriel ?",
    "Your sending address": "Votre adresse d'expédition",
    "Address of your mailing list, if you have one": "Adresse de votre liste de diffusion, si vous en avez une",
    "Mail server for sending (SMTP)": "Serveur d'envoi (SMTP)",
    "Port": "Port",
    "User name there": "Identifiant de connexion",
    "Password there": "Mot de passe",
    "{name}: its server and limits are known": "{name} : son serveur et ses limites sont connus",
    "at most {count} recipients a day": "au plus {count} destinataires par jour",
    "Send by Telegram?": "Envoyer par Telegram ?",
    "The bot's token, from @BotFather": "Le jeton du robot, donné par @BotFather",
    "Channel or group (@name or number), if you have one": "Canal ou groupe (@nom ou numéro), si vous en avez un",
    "Send by Matrix?": "Envoyer par Matrix ?",
    "Address of the homeserver (https://…)": "Adresse du serveur Matrix (https://…)",
    "Access token of the club's account": "Jeton d'accès du compte du club",
    "Id of the room (it begins with !), if you have one": "Identifiant du salon (il commence par !), si vous en avez un",
    "Send text messages (SMS), by a gateway or an Android phone?": (
        "Envoyer des SMS, par une passerelle ou un téléphone Android ?"
    ),
    "kannel, or smsgate for a phone": "kannel, ou smsgate pour un téléphone",
    "Address of the gateway (http://…)": "Adresse de la passerelle (http://…)",
    "Is it on your own network, and works without the internet?": (
        "Est-elle sur votre propre réseau, et marche-t-elle sans internet ?"
    ),
    "Use another service by its Apprise URL (Discord, Signal, …)?": (
        "Utiliser un autre service par son URL Apprise (Discord, Signal, …) ?"
    ),
    "Your word for it": "Quel nom lui donner",
    "Apprise URL": "URL Apprise",
    "Be shown the text to paste by hand, on a Facebook page for example?": (
        "Vous montrer le texte à coller vous-même, sur une page Facebook par exemple ?"
    ),
    "What is to be done there": "Ce qu'il faut y faire (par exemple : coller sur la page du club)",
    # members
    "a group's name has letters, digits, - and _": "le nom d'un groupe a des lettres, des chiffres, - et _",
    "added {added}, changed {changed}, removed {removed}, unchanged {unchanged}": (
        "ajoutés {added}, changés {changed}, retirés {removed}, inchangés {unchanged}"
    ),
    "and {count} more": "et {count} autres",
    "fr or en": "fr ou en",
    "members without any address: {count}": "membres sans aucune adresse : {count}",
    "nothing was changed": "rien n'a été changé",
    "put a space or | between groups": "mettez une espace ou | entre les groupes",
    "the channel {name} has no place": "le canal {name} n'a pas de lieu",
    "the file holds no members": "le fichier ne contient aucun membre",
    "the file is too long for a list of members": "le fichier est trop long pour une liste de membres",
    "the first line names the columns: name, language, groups, and channels": (
        "la première ligne nomme les colonnes : name (nom), language, groups, et les canaux"
    ),
    "the name is missing": "le nom manque",
    "the settings have no channel of kind {kind}": "les réglages n'ont pas de canal de type {kind}",
    "there are no members; `fallback-cast members import FILE` brings them in": (
        "il n'y a pas de membres ; `fallback-cast members import FICHIER` les fait entrer"
    ),
    "there is no column name": "il n'y a pas de colonne name (nom)",
    "this column is unknown": "cette colonne est inconnue",
    "this language is unknown": "cette langue est inconnue",
    "this row cannot be read: look at its quotation marks": "cette ligne est illisible : voyez ses guillemets",
    "this row has {count} cells, the first one has {wanted}": "cette ligne a {count} cases, la première en a {wanted}",
    "this row is the same as line {line}": "cette ligne est la même que la ligne {line}",
    "two columns mean the same": "deux colonnes disent la même chose",
    "write the member's own address": "écrivez l'adresse du membre lui-même",
    "nothing was changed; this would be: added {added}, changed {changed}, removed {removed}, unchanged {unchanged}": (
        "rien n'a été changé ; ce serait : ajoutés {added}, changés {changed}, retirés {removed}, inchangés {unchanged}"
    ),
    "Correct an announcement: what waits goes out with the new text; who had the old one hears of it.": "Corrige une annonce : ce qui attend part avec le nouveau texte, et ceux qui ont eu l’ancien en sont avertis.",
    "fallback-cast correct K7F3 -b 'We meet at 3 pm, not at 2 pm.'": "fallback-cast correct K7F3 -b 'Rendez-vous à 15 h, et non à 14 h.'",
    "The new title": "Le nouveau titre",
    "The new text, in Markdown": "Le nouveau texte, en Markdown",
    "A file with the new text (with no option at all: standard input)": "Un fichier avec le nouveau texte (sans aucune option : l’entrée standard)",
    "A page with more; '' takes it away": "Une page qui en dit plus ; '' la retire",
    "Where the event takes place; '' takes it away": "Où l’événement a lieu ; '' le retire",
    "Call an announcement off: nobody more is told, and those who knew of it hear that it is cancelled.": "Annule une annonce : personne de plus ne la reçoit, et ceux qui la connaissaient apprennent qu’elle est annulée.",
    "fallback-cast cancel K7F3 -b 'It was a mistake.'": "fallback-cast cancel K7F3 -b 'C’était une erreur.'",
    "Why, in Markdown": "Pourquoi, en Markdown",
    "What was announced no longer holds.": "Ce qui avait été annoncé n’est plus valable.",
    "{id} is cancelled: it cannot be corrected": "{id} est annulée : on ne peut plus la corriger",
    "announce it anew with `send`": "annoncez-la à nouveau avec `send`",
    "{id} has expired: nobody is told of a correction any more": "{id} a expiré : plus personne n’est averti d’une correction",
    "{id} has expired: there is nothing to cancel": "{id} a expiré : il n’y a rien à annuler",
    "somebody else has just changed {id}": "quelqu’un d’autre vient de modifier {id}",
    "look at it with `fallback-cast status {id}`, then give the command again": "regardez-la avec `fallback-cast status {id}`, puis redonnez la commande",
    "announcement {id} says this already": "l’annonce {id} dit déjà cela",
    "announcement {id} is corrected (revision {number})": "l’annonce {id} est corrigée (révision {number})",
    "announcement {id} is cancelled already": "l’annonce {id} est déjà annulée",
    "announcement {id} is cancelled": "l’annonce {id} est annulée",
    "1 knows, or may know, the old text and is told": "1 connaît, ou peut connaître, l’ancien texte et en est averti",
    "{count} know, or may know, the old text and are told": "{count} connaissent, ou peuvent connaître, l’ancien texte et en sont avertis",
    "nobody knows the old text": "personne ne connaît l’ancien texte",
    "to call it off: fallback-cast cancel {id}": "pour l’annuler : fallback-cast cancel {id}",
    "cancelled at {moment}": "annulée le {moment}",
    "corrected at {moment}": "corrigée le {moment}",
    "nobody knew the old text": "personne ne connaissait l’ancien texte",
    "{told} of {due} told": "avertis : {told} sur {due}",
}
