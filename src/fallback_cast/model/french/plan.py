"""French of `send --plan` and of the list to telephone."""

PLAN = {
    "reached if everything works: {count}": "atteints si tout marche : {count}",
    "first choice": "premier choix",
    "possible": "possible",
    "messages": "messages",
    "price": "prix",
    "takes at least": "prend au moins",
    "{encoding}, parts of each message: {count}": "{encoding}, parties par message : {count}",
    "as written there would be {count}: the plainer spelling saves {saved}": (
        "tel qu'écrit il y en aurait {count} : l'orthographe simplifiée en épargne {saved}"
    ),
    "{messages} messages × {parts} = {total} parts": "{messages} messages × {parts} = {total} parties",
    "at most {most} if all other channels fail": "au plus {most} si tous les autres canaux tombent",
    "{channel} is down now: its {count} recipients would go on with the next channel": (
        "{channel} est en panne en ce moment : ses {count} destinataires passeraient au canal suivant"
    ),
    "{channel}: quiet hours would hold {count} recipients until {moment}": (
        "{channel} : les heures calmes retiendraient {count} destinataires jusqu'au {moment}"
    ),
    "{channel}: the announcement expires at {moment}, before the quiet hours end; {count} recipients would not be told by it": (
        "{channel} : l'annonce expire le {moment}, avant la fin des heures calmes ; {count} destinataires ne seraient pas "
        "prévenus par lui"
    ),
    "{channel}: the event begins at {moment}, before the quiet hours end, for {count} recipients": (
        "{channel} : l'évènement commence le {moment}, avant la fin des heures calmes, pour {count} destinataires"
    ),
    "{channel}: the announcement expires at {moment}, before its pace lets all {count} be told": (
        "{channel} : l'annonce expire le {moment}, avant que sa cadence permette de prévenir les {count}"
    ),
    "{channel}: the event begins at {moment}, before its pace lets all {count} be told": (
        "{channel} : l'évènement commence le {moment}, avant que sa cadence permette de prévenir les {count}"
    ),
    "{channel}: its cap of the day ends before {count} recipients; they go on with the next channel": (
        "{channel} : son plafond du jour s'arrête avant {count} destinataires ; ils passent au canal suivant"
    ),
    "on one failure domain only, {domain} ({channels}): {count}": (
        "dépendent d'un seul domaine de panne, {domain} ({channels}) : {count}"
    ),
    "not everything could be looked up of {hosts}: more people may hang on one domain only": (
        "tout n'a pas pu être trouvé sur {hosts} : d'autres personnes dépendent peut-être d'un seul domaine de panne"
    ),
    # the list to telephone
    "Who was not reached, by name, with reasons, to print and telephone.": (
        "Qui n'a pas été atteint, par nom, avec les raisons, à imprimer pour téléphoner."
    ),
    "text, csv or html": "text, csv ou html",
    "The same as --format csv": "Comme --format csv",
    "{count} people are listed in {file}": "{count} personnes sont dans la liste {file}",
    "telephone": "téléphone",
    "email address": "courriel",
    "other addresses": "autres adresses",
    "To telephone: {title}": "À appeler : {title}",
    "People to telephone": "Personnes à appeler",
    "What to tell them": "Ce qu'il faut leur dire",
    "to tick": "à cocher",
    "no address and no telephone number is known": "aucune adresse et aucun numéro de téléphone connus",
    "Told on, by": "Prévenu(e) le, par",
    "Nobody is on this list.": "Il n'y a personne sur cette liste.",
    "{count} recipients are still pending and may come on this list.": (
        "{count} destinataires sont encore en cours et peuvent venir sur cette liste."
    ),
    "{count} people; as of {moment}. Personal data: destroy this page when you are done.": (
        "{count} personnes ; situation au {moment}. Données personnelles : détruisez cette page après usage."
    ),
}
