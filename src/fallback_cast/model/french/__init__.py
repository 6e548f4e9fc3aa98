"""French texts by their English key, in parts by where they are read."""

from fallback_cast.model.french.channels import CHANNELS
from fallback_cast.model.french.commands import COMMANDS
from fallback_cast.model.french.demo import DEMO
from fallback_cast.model.french.domains import DOMAINS
from fallback_cast.model.french.evidence import EVIDENCE
from fallback_cast.model.french.health import HEALTH
from fallback_cast.model.french.members import MEMBERS
from fallback_cast.model.french.outages import OUTAGES
from fallback_cast.model.french.plan import PLAN
from fallback_cast.model.french.probes import PROBES
from fallback_cast.model.french.reasons import REASONS
from fallback_cast.model.french.servers import SERVERS
from fallback_cast.model.french.settings import SETTINGS
from fallback_cast.model.french.web import WEB

FRENCH: dict[str, str] = {
    **COMMANDS,
    **SETTINGS,
    **CHANNELS,
    **REASONS,
    **EVIDENCE,
    **HEALTH,
    **PROBES,
    **DOMAINS,
    **DEMO,
    **OUTAGES,
    **MEMBERS,
    **WEB,
    **SERVERS,
    **PLAN,
}
