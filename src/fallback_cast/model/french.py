"""French texts by their English key."""

FRENCH: dict[str, str] = {
    "{day} at {hour}": "{day} à {hour}",
    "CANCELLED": "ANNULÉ",
    "CORRECTION": "RECTIFICATIF",
    "TEST": "ESSAI",
    "URGENT": "URGENT",
    "When": "Quand",
    "Where": "Où",
    "More": "En savoir plus",
    "On our site": "Sur notre site",
    "Code": "Code",
}
