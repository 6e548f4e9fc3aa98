"""French of shared failure domains, and of what is missing to judge outages."""

DOMAINS: dict[str, str] = {
    # who
    "the club's site": "le site du club",
    "the mail of {domain}": "le courrier de {domain}",
    "this program": "ce programme",
    "{first}, {second}": "{first}, {second}",
    "{first} and {second}": "{first} et {second}",
    # go down together
    "{names} go down together, ranks 1 and 2 among them: the first fallback fails with what it stands in for": (
        "{names} tombent ensemble, dont les rangs 1 et 2 : le premier recours manque en même temps que le canal qu'il remplace"
    ),
    "{names} go down together: one cannot stand in for the other": (
        "{names} tombent ensemble : l'un ne peut pas remplacer l'autre"
    ),
    "the club's site, its mail and this program go down together: nothing of your own would be left": (
        "le site du club, son courrier et ce programme tombent ensemble : il ne resterait rien qui soit à vous"
    ),
    "{names} go down together": "{names} tombent ensemble",
    # evidence
    "they belong to the failure domain {name}": "ils appartiennent au domaine de panne {name}",
    "{hosts}: the same address, {name}": "{hosts} : la même adresse, {name}",
    "{hosts}: the same registered domain, {name}": "{hosts} : le même nom de domaine, {name}",
    "{hosts}: the same network, {name}": "{hosts} : le même réseau, {name}",
    "{hosts}: all name servers are run by {name}": "{hosts} : tous les serveurs de noms sont tenus par {name}",
    "{hosts}: mail is taken by {name}": "{hosts} : le courrier est reçu par {name}",
    "{hosts}: the certificate belongs to {name}": "{hosts} : le certificat appartient à {name}",
    "{hosts}: {name} runs a part of each": "{hosts} : {name} tient une partie de chacun",
    # what mends it
    "keep one of the three with somebody else: the mail at another provider, or a second copy of the site": (
        "confiez l'un des trois à quelqu'un d'autre : le courrier chez un autre fournisseur, ou une seconde copie du site"
    ),
    "nothing to do as long as another channel of the ranks stands elsewhere": (
        "rien à faire tant qu'un autre canal du classement est ailleurs"
    ),
    "rank a channel of another company between them": "placez entre eux un canal d'une autre entreprise",
    "rank a channel of another company between them; if they are independent after all, give each its own `failure_domains`": (
        "placez entre eux un canal d'une autre entreprise ; s'ils sont indépendants malgré tout, donnez à chacun "
        "ses propres `failure_domains`"
    ),
    "move one of them to another machine with another provider": (
        "déplacez l'un d'eux sur une autre machine, chez un autre fournisseur"
    ),
    "move one of them to another provider's network": "déplacez l'un d'eux sur le réseau d'un autre fournisseur",
    "give one of them a second domain name, registered with another company": (
        "donnez à l'un d'eux un second nom de domaine, déposé auprès d'une autre entreprise"
    ),
    "let a second company serve the names of one of them": (
        "confiez les serveurs de noms de l'un d'eux à une seconde entreprise"
    ),
    "let another company take the mail of one of them": "faites recevoir le courrier de l'un d'eux par une autre entreprise",
    # not known
    "the addresses": "les adresses",
    "the name servers": "les serveurs de noms",
    "the mail exchangers": "les serveurs qui reçoivent le courrier",
    "the certificate's owner": "le titulaire du certificat",
    "behind a router": "derrière une box ou un routeur",
    "the name has no such entry": "le nom n'a pas cette entrée",
    "this machine has no name server": "cette machine n'a pas de serveur de noms",
    "unknown: {what} of {host} ({reason}); what {names} may share with others is not known": (
        "inconnu : {what} de {host} ({reason}) ; ce qui serait partagé par {names} n'est pas connu"
    ),
    "unknown: this machine's public address ({reason}); whether it shares a line with the club's site or mail cannot be seen from here": (
        "inconnu : l'adresse publique de cette machine ({reason}) ; si elle partage une ligne avec le site ou le courrier "
        "du club ne se voit pas d'ici"
    ),
    # settings for outages
    "advice: {advice}": "conseil : {advice}",
    "without [health] references nobody can tell our own outage from a platform's": (
        "sans références dans [health], rien ne distingue notre propre panne de celle d'une plateforme"
    ),
    "only {count} of [health] references: with three, of three companies, one of them may fail": (
        "seulement {count} dans les références de [health] : avec trois, de trois entreprises, l'une d'elles peut manquer"
    ),
    "the references {first} and {second} are in one place ({place}): they count as one; take one elsewhere": (
        "les références {first} et {second} sont au même endroit ({place}) : elles comptent pour une ; prenez-en une ailleurs"
    ),
    "the reference {reference} is in one place with {names} ({place}): it fails with what it should judge; take one elsewhere": (
        "la référence {reference} est au même endroit que {names} ({place}) : elle tombe avec ce qu'elle doit juger ; "
        "prenez-en une ailleurs"
    ),
    "without [club] site_url messages carry no link to a page of your own, and nobody sees whether the site can be read": (
        "sans site_url dans [club], les messages ne portent pas de lien vers une page à vous, et rien ne vérifie que le "
        "site peut être lu"
    ),
    "the certificate of {host} ends today: have it renewed": (
        "le certificat de {host} se termine aujourd'hui : faites-le renouveler"
    ),
    "the certificate of {host} ends in {days} days: have it renewed": (
        "le certificat de {host} se termine dans {days} jours : faites-le renouveler"
    ),
}
