"""The corpus: outages and what only looks like one, each with the truth."""

from __future__ import annotations

from tests.health.traces.day import (
    ADDRESS_GONE,
    ANSWERS_LOST,
    DENIES,
    EXPIRED,
    FINE,
    HANGS,
    HTTP_502,
    HTTP_503,
    LIMITS,
    NO_CREDIT,
    NO_NAME,
    NO_TLS,
    NXDOMAIN,
    READ_ONLY,
    REFUSED,
    RESET,
    SERVFAIL,
    SILENT,
    TEXT_REFUSED,
    UNROUTED,
    WRONG_NAME,
    Day,
    Weather,
)

HOUR = 3600.0


def corpus() -> list[Day]:
    return [*outages(), *of_4_october_2021(), *no_outages()]


def _plain(name: str, story: str, weather: Weather) -> Day:
    """Ten good minutes, twenty bad ones, ten good ones, seen by probes alone."""
    day = Day(name, story).probes(0, 600, FINE).probes(605, 1800, weather).probes(1800, 2400, FINE)
    return day.down(600, 1800)


def outages() -> list[Day]:
    return [
        _plain("refused", "Its servers refuse every connection.", REFUSED),
        _plain("silent", "Its addresses swallow every packet.", SILENT),
        _plain("unrouted", "There is no route to it.", UNROUTED),
        _plain("reset", "Every connection is reset.", RESET),
        _plain("no name", "Its name servers are silent; the system resolver is the only witness.", NO_NAME),
        _plain("servfail", "Two resolvers of different operators answer SERVFAIL.", SERVFAIL),
        _plain("name gone", "Its name does not exist any more, say both resolvers.", NXDOMAIN),
        _plain("certificate expired", "Nobody renewed its certificate.", EXPIRED),
        _plain("certificate of another", "A certificate for another name answers.", WRONG_NAME),
        _plain("no TLS", "Connections come about, TLS does not.", NO_TLS),
        _plain("503", "The API says 503 in its own words.", HTTP_503),
        _plain("502", "A proxy answers for dead servers behind it.", HTTP_502),
        _plain("hangs", "It takes connections and never answers.", HANGS),
        _plain("token revoked", "Our account is refused from one moment on.", DENIES),
        *_in_mid_broadcast(),
        *_seen_by_few_signals(),
        *_coming_and_going(),
        *_seen_by_several(),
    ]


def _in_mid_broadcast() -> list[Day]:
    return [
        Day("dies in mid-broadcast", "After 300 messages every connection is refused.")
        .probe(0, FINE)
        .sends(1, 300, FINE)
        .sends(32, 60, REFUSED)
        .probes(62, 600, REFUSED)
        .probes(600, 900, FINE)
        .down(31, 600),
        Day("hangs in mid-broadcast", "After 300 messages nothing is answered; a doubting probe finds out.")
        .probe(0, FINE)
        .sends(1, 300, FINE)
        .probes(36, 50, HANGS, doubt=5)
        .sends(50, 50, HANGS)
        .probes(62, 600, HANGS)
        .probes(600, 900, FINE)
        .down(31, 600),
        Day("takes no messages", "Probes are answered all the while; sending fails with 500.")
        .probes(0, 60, FINE)
        .sends(61, 3, READ_ONLY, every=2)
        .probe(75, READ_ONLY)
        .sends(120, 20, READ_ONLY, every=15)
        .down(60, 500),
        Day("takes no messages, at a trickle", "As before, with a good probe between any two messages.")
        .probe(0, FINE)
        .send(61, READ_ONLY)
        .probe(71, READ_ONLY)
        .send(76, READ_ONLY)
        .probe(86, READ_ONLY)
        .send(95, READ_ONLY)
        .probe(105, READ_ONLY)
        .sends(150, 5, READ_ONLY, every=30)
        .down(60, 300),
        Day("answers are lost", "Probes are answered; of every message nobody knows whether it went out.")
        .probe(0, FINE)
        .sends(61, 20, ANSWERS_LOST, every=1)
        .down(60, 120),
        Day("out of credit", "In mid-broadcast the account has no credit left.")
        .probe(0, FINE)
        .sends(1, 50, FINE)
        .sends(7, 20, NO_CREDIT)
        .down(6, 60),
    ]


def _seen_by_few_signals() -> list[Day]:
    return [
        Day("found out by the first three messages", "Nobody looked for a day; then an announcement.")
        .probe(0, FINE)
        .sends(86_400, 6, REFUSED, every=1.5)
        .probes(86_420, 86_700, REFUSED)
        .down(80_000, 86_700),
        Day(
            "found out by the probes before a broadcast",
            "It has been silent for hours; three probes find out.",
        )
        .probe(0, FINE)
        .probes(7200, 7600, SILENT)
        .down(3000, 7600),
        Day("its status page knows first", "A hint, then two failures.")
        .probes(0, 600, FINE)
        .hint(700)
        .probes(705, 1500, HTTP_503)
        .probes(1500, 1800, FINE)
        .down(690, 1500),
        Day("four minutes only", "A short one.")
        .probes(0, 600, FINE)
        .probes(602, 840, SILENT)
        .probes(840, 1200, FINE)
        .down(600, 840),
        Day("three days", "A provider gives up; probes every half hour.")
        .probes(0, HOUR, FINE, every=600)
        .probes(HOUR + 5, 72 * HOUR, NXDOMAIN, every=1800, doubt=1800)
        .probes(72 * HOUR, 73 * HOUR, FINE)
        .down(HOUR, 72 * HOUR),
        Day("no references", "Nobody can say whether it is us; three failures must do.", references="")
        .probes(0, 600, FINE)
        .probes(605, 1200, SILENT)
        .probes(1200, 1500, FINE)
        .down(600, 1200),
        Day("references behind a firewall", "None of them ever answers, yet mail goes out.", references="---")
        .probes(0, 600, FINE)
        .probe(605, SILENT)
        .other(608)
        .probe(615, SILENT)
        .other(618)
        .probes(625, 900, SILENT)
        .probes(900, 1200, FINE)
        .down(600, 900),
    ]


def _coming_and_going() -> list[Day]:
    flapping = Day("flapping", "A minute down, a minute up, ten times.")
    for turn in range(10):
        flapping.probes(turn * 120, turn * 120 + 60, HTTP_503).probes(
            turn * 120 + 60, turn * 120 + 120, FINE, 15
        )
    collapse = Day("slow collapse", "One request in ten fails, then every second one, then all.")
    for number in range(100):
        collapse.send(number * 1.0, HTTP_503 if number % 10 == 9 else FINE)
    for number in range(40):
        collapse.send(100 + number * 1.0, HTTP_503 if number % 2 else FINE)
    collapse.sends(140, 30, HTTP_503, every=1).probes(171, 600, HTTP_503).probes(600, 700, FINE)
    return [
        flapping.probes(1200, 2400, FINE).down(0, 1200),
        collapse.down(140, 600),
        Day("back for twenty seconds", "It comes back, dies again, and then stays.")
        .probes(0, 60, FINE)
        .probes(65, 600, SILENT)
        .probes(600, 620, FINE, every=10)
        .probes(620, 900, SILENT)
        .probes(900, 1500, FINE)
        .down(60, 900),
        Day("returns behind cached failures", "It is back, but resolvers keep the failure for minutes.")
        .probes(0, 60, FINE)
        .probes(65, 1200, SERVFAIL)
        .probes(1200, 1500, FINE)
        .down(60, 1200),
        Day("one family, then both", "IPv6 is gone for an hour, which harms nobody; then IPv4 goes too.")
        .probes(0, HOUR, FINE)
        .probes(HOUR + 5, HOUR + 900, SILENT)
        .probes(HOUR + 900, HOUR + 1200, FINE)
        .down(HOUR, HOUR + 900),
        Day("a gateway without its line", "The SMS gateway runs, its line to the operator does not.")
        .probes(0, 300, FINE)
        .sends(301, 5, HTTP_503, every=2)
        .probes(312, 900, HTTP_503)
        .probes(900, 1200, FINE)
        .down(300, 900),
    ]


def _seen_by_several() -> list[Day]:
    return [
        Day("three machines, one failure each", "No machine alone has seen enough.")
        .at("one", "+++")
        .probe(0, FINE)
        .probe(60, SILENT)
        .at("two", "+++")
        .probe(63, SILENT)
        .at("three", "+++")
        .probe(66, SILENT)
        .probes(80, 600, SILENT)
        .probes(600, 700, FINE)
        .down(55, 600),
        Day("one witness is offline", "Only the failures of the machine that is online count.")
        .at("online", "+++")
        .probe(0, FINE)
        .at("offline", "---")
        .sends(60, 5, UNROUTED, every=1)
        .at("online", "+++")
        .probe(70, SILENT)
        .probe(80, SILENT)
        .probe(90, SILENT)
        .probes(100, 600, SILENT)
        .probes(600, 700, FINE)
        .down(65, 600),
        Day("after our own outage", "Our line comes back, and the platform is truly down.", references="---")
        .sends(0, 5, UNROUTED, every=1)
        .at("laptop", "+++")
        .probes(120, 600, REFUSED)
        .probes(600, 700, FINE)
        .down(100, 600),
    ]


def of_4_october_2021() -> list[Day]:
    """Times are minutes after 15:30 UTC; a probe every five minutes, more often in doubt (facts: Meta's
    and Cloudflare's reports of that day).
    """

    def minute(hour: int, minutes: int) -> float:
        return ((hour - 15) * 60 + minutes - 30) * 60.0

    gone = Day(
        "4 October 2021: the platform",
        "Backbone cut at 15:40, then no routes, then no name; back after 21:00.",
    )
    gone.probes(0, minute(15, 40), FINE, every=300)
    gone.probes(minute(15, 40) + 20, minute(15, 51), SILENT)  # its address was still cached
    gone.probes(minute(15, 51), minute(21, 5), SERVFAIL, doubt=60)  # 60 times the usual SERVFAIL
    gone.probes(minute(21, 5), minute(21, 20), SILENT, doubt=60)  # routes return before the servers
    gone.probes(minute(21, 20), minute(22, 0), HTTP_503, doubt=60)  # everybody comes at once
    gone.probes(minute(22, 0), minute(23, 30), FINE, every=300)
    rush = Day(
        "4 October 2021: the next messenger", "Everybody goes there: limits and single failures, no outage."
    )
    for step in range(90):
        rush.send(minute(16, 0) + step * 40, LIMITS if step % 3 else (HANGS if step % 15 == 0 else FINE))
    mail = Day(
        "4 October 2021: our mail relay",
        "Resolvers are slow under the load; now and then a name is not found.",
    )
    for step in range(60):
        mail.probe(minute(15, 45) + step * 300, NO_NAME if step % 12 == 3 else FINE)
    return [gone.down(minute(15, 40), minute(22, 0)), rush, mail]


def no_outages() -> list[Day]:
    night = Day("one failure an hour", "All night long, each between good probes.")
    deploys = Day("three restarts in an hour", "A 503 each, fine a moment later.")
    for hour in range(10):
        night.probes(hour * HOUR, hour * HOUR + 1800, FINE, every=600).probe(hour * HOUR + 2000, SILENT)
        night.probe(hour * HOUR + 2010, FINE)
    for minutes in (5, 25, 45):
        deploys.probe(minutes * 60, FINE).probe(minutes * 60 + 30, HTTP_503).probe(minutes * 60 + 40, FINE)
    incident = Day("a status page cries wolf", "It reports an incident all day; everything works.")
    for number in range(24):
        incident.probe(number * HOUR, FINE).hint(number * HOUR + 600).probe(number * HOUR + 700, FINE)
    one_in_ten = Day("one send in ten fails", "A poor line to one of its servers.")
    for number in range(100):
        one_in_ten.send(number * 1.0, HTTP_503 if number % 10 == 4 else FINE)
    return [
        Day("a lost packet", "One probe is not answered.")
        .probes(0, 600, FINE)
        .probe(600, SILENT)
        .probes(610, 1200, FINE),
        Day("two in a row", "A hiccup of ten seconds.")
        .probes(0, 600, FINE)
        .probe(600, SILENT)
        .probe(605, SILENT)
        .probes(610, 1200, FINE),
        Day("a restart", "Refused for some seconds, fine at the next look.")
        .probes(0, 600, FINE)
        .probe(600, REFUSED)
        .probes(610, 1200, FINE),
        Day("one lost message of a hundred", "A connection breaks.")
        .sends(0, 50, FINE)
        .send(6, HTTP_503)
        .sends(7, 50, FINE),
        night,
        deploys,
        one_in_ten,
        Day("one family is broken", "IPv6 does not answer; IPv4 carries everything.")
        .probes(0, 1800, FINE)
        .sends(1801, 30, FINE),
        Day("limits", "Twenty messages too fast.")
        .sends(0, 10, FINE)
        .sends(2, 20, LIMITS)
        .sends(60, 10, FINE),
        Day("limits for an hour", "The second channel under the rush: three of four are throttled.")
        .sends(0, 5, FINE)
        .sends(10, 120, LIMITS, every=30)
        .sends(3700, 5, FINE),
        Day("a list of old addresses", "Thirty refused addresses: it lives, the list does not.")
        .sends(0, 5, FINE)
        .sends(1, 30, ADDRESS_GONE)
        .sends(5, 5, FINE),
        Day("a text it does not take", "Three messages are refused for their content.")
        .sends(0, 5, FINE)
        .sends(1, 6, TEXT_REFUSED)
        .sends(3, 5, FINE),
        Day("a slow start", "After a quiet night its first answers are lost, then it is awake.")
        .probe(0, FINE)
        .send(30_000, ANSWERS_LOST)
        .send(30_016, ANSWERS_LOST)
        .sends(30_030, 20, FINE),
        Day("kept connections break", "Two outcomes are unknown after a quiet hour.")
        .sends(0, 5, FINE)
        .sends(3600, 2, ANSWERS_LOST)
        .sends(3602, 20, FINE),
        Day("our own line is down", "Nothing at all is reached, by anybody here.", references="---").sends(
            120, 12, UNROUTED, every=5
        ),
        Day(
            "our own line is down at night",
            "The scheduled probes find nothing for an hour.",
            references="---",
        )
        .probes(600, 4200, UNROUTED, doubt=60)
        .at("laptop", "+++")
        .probes(4200, 4500, FINE),
        Day(
            "our line breaks in mid-broadcast",
            "A message went out a moment ago; then nothing goes.",
            references="---",
        )
        .sends(0, 100, FINE)
        .sends(10.2, 40, UNROUTED, every=1)
        .at("laptop", "+++")
        .sends(60, 20, FINE),
        Day("three seconds without Wi-Fi", "In mid-broadcast, on the move.", references="---")
        .sends(0, 100, FINE)
        .sends(10.1, 10, UNROUTED, every=0.3)
        .at("laptop", "+++")
        .sends(14, 50, FINE),
        Day(
            "the laptop wakes up",
            "Its line needs a moment; the first probes are too early.",
            references="---",
        )
        .probe(0, UNROUTED)
        .probe(3, UNROUTED)
        .probe(6, UNROUTED)
        .probe(9, UNROUTED)
        .at("laptop", "+++")
        .probes(15, 300, FINE),
        Day("a hotel", "A sign-in page answers for everybody.", references="ppp")
        .probe(0, WRONG_NAME)
        .probe(10, WRONG_NAME)
        .sends(20, 5, WRONG_NAME, every=1)
        .at("laptop", "+++")
        .probes(300, 600, FINE),
        Day("half of the internet", "One reference of three answers: nothing is decided.", references="+--")
        .probes(0, 60, FINE)
        .probes(65, 300, SILENT, doubt=6)
        .at("laptop", "+++")
        .probes(300, 600, FINE),
        Day("our resolver is broken", "No name is found here; addresses answer.", references="++n")
        .probes(0, 60, FINE)
        .probes(65, 300, NO_NAME)
        .at("laptop", "+++")
        .probes(300, 600, FINE),
        incident,
        Day("a hint and one failure", "Its status page reports something; one probe fails.")
        .probes(0, 600, FINE)
        .hint(700)
        .probe(710, HTTP_503)
        .probes(720, 1200, FINE),
        Day("old suspicion", "Two failures; hours later a third; in between nobody looked.")
        .probe(0, FINE)
        .probe(60, SILENT)
        .probe(70, SILENT)
        .probe(4 * HOUR, SILENT)
        .probe(4 * HOUR + 10, FINE),
        Day("one of two machines is offline", "The other one works on.")
        .at("offline", "---")
        .sends(0, 8, UNROUTED, every=2)
        .at("online", "+++")
        .probes(20, 300, FINE),
    ]
