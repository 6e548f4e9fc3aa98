"""French of `serve`."""

WEB: dict[str, str] = {
    "Take announcements of other programs over HTTP, and send whatever falls due.": (
        "Reçoit par HTTP les annonces d'autres programmes, et envoie tout ce qui est dû."
    ),
    "fallback-cast serve": "fallback-cast serve",
    "listening on {address}; Ctrl-C ends it, and loses nothing": "à l'écoute sur {address} ; Ctrl-C l'arrête, et rien n'est perdu",
    "serving needs the packages of the extra `web`": "servir demande les paquets de l'option `web`",
    "pip install 'fallback-cast[web]'": "pip install 'fallback-cast[web]'",
    "there is nothing to serve: no [[webhook]], no token in [serve], no public_url in [club]": "il n'y a rien à servir : aucun [[webhook]], pas de token dans [serve], pas de public_url dans [club]",
    "No more announcements to this address?": "Ne plus rien recevoir à cette adresse ?",
    "Yes, send me nothing more": "Oui, ne m'envoyez plus rien",
    "Done: nothing more goes to this address. To change your mind, write to the club.": "C'est fait : plus rien n'ira à cette adresse. Pour changer d'avis, écrivez au club.",
    "This link is not one of ours, or is not whole. Please write to the club.": "Ce lien n'est pas de nous, ou il est incomplet. Écrivez au club.",
    "This could not be written down just now. Please try again in a few minutes.": "Impossible de l'enregistrer maintenant. Réessayez dans quelques minutes.",
    "see [serve] and [[webhook]] in channels.example.toml": "voyez [serve] et [[webhook]] dans channels.example.toml",
    "there is nobody to approve: this release has no pages for organisers": "personne ne peut approuver : cette version n'a pas de pages pour les organisateurs",
    "take the approval line away, and set max_importance and max_per_day low": "retirez la ligne approval, et gardez max_importance et max_per_day bas",
    "this address cannot be listened on: another program has it, or it is not this machine's": "impossible d'écouter à cette adresse : un autre programme l'occupe, ou elle n'est pas à cette machine",
    "choose another port": "choisissez un autre port",
    "What providers said of an attempt": "Ce que les fournisseurs ont dit d'une tentative",
    "What probes and messages showed of platforms": "Ce que les sondes et les messages ont montré des plateformes",
    "Who was told and how; the figures stay": "Qui a été prévenu et comment ; les chiffres restent",
    "Announcements, after they expired": "Les annonces, après leur expiration",
    "Address to listen on; your web server stands before it": "Adresse d'écoute ; votre serveur web se place devant",
    "Port to listen on; 0: any free one": "Port d'écoute ; 0 : n'importe lequel de libre",
    "Bearer token of programs that use /v1/announcements; none: there is no such thing": "Jeton (bearer) des programmes qui utilisent /v1/announcements ; aucun : l'adresse n'existe pas",
    "The secret before, which is still taken while you change it": "Le secret d'avant, encore accepté pendant que vous en changez",
}
