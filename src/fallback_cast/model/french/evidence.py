"""French of what channels found: the evidence behind a failure or a verdict, as it is stored in English.

Entries with {fields} are also recognised inside stored texts (cli/live.py).
"""

EVIDENCE: dict[str, str] = {
    "accepted, then refused: {reason}": "accepté, puis refusé : {reason}",
    "{code} no such mailbox": "{code} boîte aux lettres inexistante",
    "{code} not delivered": "{code} non remis",
    "HTTP {status} with a refusal": "HTTP {status} avec un refus",
    "HTTP {status}: {reason}": "HTTP {status} : {reason}",
    # any server
    "the address of the provider in the settings is not valid": "l'adresse du fournisseur dans les réglages n'est pas valable",
    "certificate valid for {days} days": "certificat encore valable {days} jours",
    "the probe broke ({kind})": "la vérification s'est interrompue ({kind})",
    "no encryption": "sans chiffrement",
    # site
    "the folder can be written": "on peut écrire dans le dossier",
    "the folder does not exist": "le dossier n'existe pas",
    "the path is not a folder": "le chemin ne mène pas à un dossier",
    "the path leads in a circle of links": "le chemin tourne en rond (liens)",
    "the path is too long": "le chemin est trop long",
    "no right to write in the folder": "pas le droit d'écrire dans le dossier",
    "the folder is on a read-only disk": "le dossier est sur un disque en lecture seule",
    "the disk is full": "le disque est plein",
    "the disk quota is used up": "l'espace permis sur le disque est épuisé",
    "the disk fails": "le disque est défaillant",
    "the network folder has gone": "le dossier réseau a disparu",
    "a file may not grow so large here": "un fichier ne peut pas être aussi grand ici",
    "writing fails ({code})": "l'écriture échoue ({code})",
    "no reason given": "sans raison donnée",
    "{name} is there and is not ours": "{name} existe déjà et n'est pas à nous",
    "{name} is there and is not ours: choose a folder of its own": (
        "{name} existe déjà et n'est pas à nous : choisissez un dossier à part"
    ),
    "{name} was not written by this version of the program": "{name} n'a pas été écrit par cette version du programme",
    "another process is writing to the folder": "un autre programme écrit dans le dossier",
    "the file system of the folder has no locks": "le système de fichiers du dossier ne connaît pas les verrous",
    "only a part could be written: {reason}": "une partie seulement a pu être écrite : {reason}",
    # email
    "no way to the server": "aucun chemin vers le serveur",
    "this is no mail server's answer": "ce n'est pas la réponse d'un serveur de courrier",
    "{code} to STARTTLS": "{code} à la demande de chiffrement (STARTTLS)",
    "the server closed the connection": "le serveur a coupé la connexion",
    "the server offers no STARTTLS": "le serveur ne propose pas de chiffrement (STARTTLS)",
    "the server offers no login that we know": "le serveur ne propose aucune connexion que nous connaissions",
    "the text holds characters that cannot be encoded": "le texte contient des caractères impossibles à encoder",
    "the address cannot be written in a message": "l'adresse ne peut pas figurer dans un message",
    "an answer to {step} that makes no sense": "une réponse incompréhensible à {step}",
    "the message is too big for this server": "le message est trop gros pour ce serveur",
    "this server takes no address with accents": "ce serveur n'accepte pas les adresses avec accents",
    "the server closed the connection before the text": "le serveur a coupé la connexion avant le texte",
    "the answer to the message makes no sense": "la réponse au message est incompréhensible",
    "no answer to the message in time": "pas de réponse au message à temps",
    "the connection broke before the message was answered": "la connexion s'est coupée avant la réponse au message",
    "the connection broke at {step}": "la connexion s'est coupée à {step}",
    "no answer to {step} in time": "pas de réponse à {step} à temps",
    "{code} to MAIL": "{code} pour l'expéditeur",
    "{code} to RCPT": "{code} pour le destinataire",
    "{code} to DATA": "{code} pour le texte",
    "{code} to AUTH": "{code} à la connexion",
    "{code} to EHLO": "{code} à l'accueil",
    # apprise
    "Apprise reports a failure without its cause": "Apprise signale un échec sans dire pourquoi",
    "Apprise found no service to send with": "Apprise n'a trouvé aucun service pour envoyer",
    "Apprise answers {word}": "Apprise répond {word}",
    "the service asks to wait": "le service demande d'attendre",
    "earlier messages still hang in this service": "des messages précédents sont encore bloqués dans ce service",
    "Apprise broke off": "Apprise s'est interrompu",
    "too little room here for a title and the code": "trop peu de place ici pour un titre et le code",
    # manual
    "the person did not post it": "la personne ne l'a pas publié",
    "the question whether it was posted broke off": "la question « publié ? » s'est interrompue",
    # matrix
    "too many messages": "trop de messages",
    "HTTP {status}, not from a homeserver: homeserver is wrong": (
        "HTTP {status}, pas d'un serveur Matrix : homeserver est faux"
    ),
    "HTTP {status}, not from the homeserver itself": "HTTP {status}, mais pas du serveur Matrix lui-même",
    "the answer is not a homeserver's": "la réponse n'est pas celle d'un serveur Matrix",
    "the answer names no event": "la réponse ne nomme aucun message",
    "the account is not in the room": "le compte n'est pas dans le salon",
    "the room is encrypted; our messages are not": "le salon est chiffré ; nos messages ne le sont pas",
    "the account may not write in the room": "le compte n'a pas le droit d'écrire dans le salon",
    "the account is a guest": "le compte est un compte invité",
    "the answer names no account": "la réponse ne nomme aucun compte",
    "title and facts alone are too long for Matrix": "le titre et les informations sont déjà trop longs pour Matrix",
    # sms
    "HTTP 202, not the answer of a Kannel gateway": "HTTP 202 : ce n'est pas la réponse d'une passerelle Kannel",
    "HTTP {status}, not the answer of a Kannel gateway": "HTTP {status} : ce n'est pas la réponse d'une passerelle Kannel",
    "not the answer of a Kannel gateway": "ce n'est pas la réponse d'une passerelle Kannel",
    "status page: the gateway is not running normally": "page d'état : la passerelle ne tourne pas normalement",
    "status page: the gateway has no such line": "page d'état : la passerelle n'a pas cette ligne",
    "status page: no line to an operator is up ({words})": "page d'état : aucune ligne vers un opérateur ne marche ({words})",
    "status page: password refused": "page d'état : mot de passe refusé",
    "number refused by the gateway's own list": "numéro refusé par la liste de la passerelle",
    "the gateway wants a sender; none is in the settings": "la passerelle veut un expéditeur (sender) ; il manque dans les réglages",
    "HTTP 400: the gateway refused the request": "HTTP 400 : la passerelle a refusé la demande",
    "no line of the gateway goes to this number": "aucune ligne de la passerelle ne mène à ce numéro",
    "HTTP 503: the gateway cannot take messages now": "HTTP 503 : la passerelle ne prend pas de messages en ce moment",
    "the title alone is longer than the SMS parts that the settings allow": (
        "le titre seul dépasse le nombre de SMS que les réglages permettent"
    ),
    "HTTP {status}, not the answer of an SMSGate gateway": "HTTP {status} : ce n'est pas la réponse d'une passerelle SMSGate",
    "not the answer of an SMSGate gateway": "ce n'est pas la réponse d'une passerelle SMSGate",
    "the gateway sent no message in the last hour, and failed with some": (
        "la passerelle n'a envoyé aucun message depuis une heure, et a échoué pour certains"
    ),
    "the gateway's database does not answer": "la base de données de la passerelle ne répond pas",
    "HTTP 400: no such phone at this gateway": "HTTP 400 : la passerelle n'a pas ce téléphone",
    "HTTP 400: number refused": "HTTP 400 : numéro refusé",
    "HTTP 400: expired": "HTTP 400 : expiré",
    # sms: companies' gateways
    "code {code}: {reason}": "code {code} : {reason}",
    "HTTP {status}, not the answer of {provider}": "HTTP {status} : ce n'est pas la réponse de {provider}",
    "HTTP 200, not the answer of OVHcloud": "HTTP 200 : ce n'est pas la réponse d'OVHcloud",
    "HTTP 201, not the answer of Brevo": "HTTP 201 : ce n'est pas la réponse de Brevo",
    "HTTP 201, not the answer of Twilio": "HTTP 201 : ce n'est pas la réponse de Twilio",
    "HTTP 200, not the answer of Vonage": "HTTP 200 : ce n'est pas la réponse de Vonage",
    "not the answer of OVHcloud": "ce n'est pas la réponse d'OVHcloud",
    "HTTP 400: signed with a wrong time": "HTTP 400 : signé avec une heure fausse",
    "HTTP 400: signature refused": "HTTP 400 : signature refusée",
    "HTTP {status}: sender refused": "HTTP {status} : expéditeur refusé",
    "HTTP {status}: number refused": "HTTP {status} : numéro refusé",
    "HTTP {status}: the account may not send": "HTTP {status} : le compte n'a pas le droit d'envoyer",
    "HTTP {status}: the gateway refused the request": "HTTP {status} : la passerelle a refusé la demande",
    "HTTP 400: sender refused": "HTTP 400 : expéditeur refusé",
    "the gateway refused the request": "la passerelle a refusé la demande",
    "number refused": "numéro refusé",
    "sender refused": "expéditeur refusé",
    "signature refused": "signature refusée",
    "login refused": "connexion refusée",
    "no credit left": "plus de crédit",
    "internal error": "erreur interne",
    "the SMS account is closed": "le compte SMS est fermé",
    "the account is suspended": "le compte est suspendu",
    "the account may not send": "le compte n'a pas le droit d'envoyer",
    "the account may not send to this country": "le compte n'a pas le droit d'envoyer vers ce pays",
    "a trial account sends to verified numbers only": "un compte d'essai n'envoie qu'aux numéros vérifiés",
    "too many messages wait": "trop de messages attendent",
    "the message is empty": "le message est vide",
    "the message is too long": "le message est trop long",
    "the person has unsubscribed (STOP)": "la personne s'est désinscrite (STOP)",
    "not a mobile number": "ce n'est pas un numéro de mobile",
    "the telephone is out of reach": "le téléphone est injoignable",
    "the telephone blocks messages": "le téléphone bloque les messages",
    "no such telephone": "ce téléphone n'existe pas",
    "a landline, or out of the operator's reach": "une ligne fixe, ou hors de portée de l'opérateur",
    "an operator's filter": "le filtre d'un opérateur",
    "the operator does not say why": "l'opérateur ne dit pas pourquoi",
    "the sender is not registered": "l'expéditeur n'est pas enregistré",
    "{refused} of {parts} parts refused": "{refused} parties sur {parts} refusées",
    "account accepted": "compte accepté",
    "account accepted, credit left: {amount}": "compte accepté, crédit restant : {amount}",
    "account accepted; a trial account sends to verified numbers only": (
        "compte accepté ; un compte d'essai n'envoie qu'aux numéros vérifiés"
    ),
    "price: {price}": "prix : {price}",
    "price in credits: {price}": "prix en crédits : {price}",
    "OVHcloud has not validated the sender": "OVHcloud n'a pas validé l'expéditeur",
    "OVHcloud does not know the sender": "OVHcloud ne connaît pas l'expéditeur",
    # sms: gammu
    "Gammu SMSD takes messages": "Gammu SMSD prend les messages",
    "the outbox can be written": "on peut écrire dans la boîte d'envoi",
    "Gammu SMSD does not run, or its configuration was changed since it started": (
        "Gammu SMSD ne tourne pas, ou sa configuration a changé depuis son démarrage"
    ),
    "messages wait for {minutes} min and Gammu SMSD sends none": (
        "des messages attendent depuis {minutes} min et Gammu SMSD n'en envoie aucun"
    ),
    "the configuration of Gammu SMSD cannot be read": "la configuration de Gammu SMSD est illisible pour ce compte",
    "the configuration of Gammu SMSD is not in its usual form": "la configuration de Gammu SMSD n'a pas sa forme habituelle",
    "the configuration of Gammu SMSD names no {key}": "la configuration de Gammu SMSD n'indique pas {key}",
    "Gammu SMSD keeps its messages in a database: this program wants service = files": (
        "Gammu SMSD garde ses messages dans une base de données : ce programme veut service = files"
    ),
    "Gammu SMSD needs three different folders: outboxpath, sentsmspath and errorsmspath": (
        "Gammu SMSD demande trois dossiers différents : outboxpath, sentsmspath et errorsmspath"
    ),
    "{key} of Gammu SMSD must begin and end with /": "{key} de Gammu SMSD doit commencer et finir par /",
    "the outbox belongs to a group that this account is not in": (
        "la boîte d'envoi est à un groupe dont ce compte ne fait pas partie"
    ),
    "the disk failed after the message was handed over": "le disque a failli après la remise du message",
    # telegram
    "the answer is not what Telegram says": "la réponse n'est pas celle que donne Telegram",
    "the answer is not Telegram's": "la réponse n'est pas celle de Telegram",
    "HTTP {status}, not from the Bot API: base_url is wrong": "HTTP {status}, pas de l'API des robots : base_url est faux",
    "too many requests": "trop de demandes",
    "the group has become a supergroup": "le groupe est devenu un supergroupe",
    "the answer names no message": "la réponse ne nomme aucun message",
    "the bot is not in the chat": "le robot n'est pas dans la conversation",
    "the bot may not write in this chat": "le robot n'a pas le droit d'écrire dans cette conversation",
    "title and facts alone are too long for Telegram": "le titre et les informations sont déjà trop longs pour Telegram",
    # webhook
    "HTTP 410: no more messages are wanted here": "HTTP 410 : plus aucun message n'est voulu ici",
    "the reference names no message of Telegram": "la référence ne désigne aucun message de Telegram",
    "the message says so already": "le message le dit déjà",
    "the message is gone": "le message a disparu",
    "the message cannot be edited any more": "le message ne peut plus être modifié",
    "the earlier text did not go out there": "l’ancien texte n’y est pas parti",
    "it says so already": "il le dit déjà",
    # wordpress
    "WordPress refuses the user name or the application password": (
        "WordPress refuse le nom d'utilisateur ou le mot de passe d'application"
    ),
    (
        "WordPress does not know the account: user name or application password are wrong, or the web server "
        "holds them back"
    ): (
        "WordPress ne reconnaît pas le compte : le nom d'utilisateur ou le mot de passe d'application est faux, "
        "ou le serveur web les retient"
    ),
    "the account may not publish posts: it needs the role Author or Editor": (
        "le compte n'a pas le droit de publier des articles : il lui faut le rôle Auteur ou Éditeur"
    ),
    "WordPress takes no application passwords here": "WordPress n'admet pas ici de mot de passe d'application",
    "WordPress takes no application passwords of this account": (
        "WordPress n'admet pas de mot de passe d'application pour ce compte"
    ),
    "the account may not use one of the categories": "le compte n'a pas le droit d'utiliser une des catégories",
    "no WordPress posts at this address: url is wrong": "pas d'articles WordPress à cette adresse : url est faux",
    "the post is gone": "l'article n'existe plus",
    "WordPress refuses the post": "WordPress refuse l'article",
    "WordPress could not store the post": "WordPress n'a pas pu enregistrer l'article",
    "WordPress is under maintenance": "WordPress est en maintenance",
    "the answer is not WordPress's": "la réponse n'est pas celle de WordPress",
    "the answer names no post": "la réponse ne nomme aucun article",
    "HTTP {status}, not from WordPress: a firewall refuses it": "HTTP {status}, pas de WordPress : un pare-feu refuse",
    "HTTP {status}, not from WordPress: url is wrong, or its permalinks are plain": (
        "HTTP {status}, pas de WordPress : url est faux, ou ses permaliens sont en mode simple"
    ),
    "HTTP {status}: url is not where WordPress is, it sends us elsewhere": (
        "HTTP {status} : url n'est pas l'adresse de WordPress, elle nous envoie ailleurs"
    ),
    "WordPress answers": "WordPress répond",
    "the account may publish": "le compte a le droit de publier",
    "the id of the announcement cannot name a post": "l'identifiant de l'annonce ne peut pas nommer un article",
}
