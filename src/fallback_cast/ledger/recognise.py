"""The SQL by which a coming list of members is told apart from those who are known (ledger/incoming.py).

`coming` are the rows of the list, `known` the members; both carry a digest of what the list speaks of.
"""

CREATE = (
    """
    CREATE TEMPORARY TABLE coming (
        line INTEGER PRIMARY KEY, number TEXT, name TEXT NOT NULL, facts TEXT NOT NULL,
        digest BLOB NOT NULL, member_id INTEGER UNIQUE)
    """,
    "CREATE INDEX temp.coming_by_name ON coming (name)",
    "CREATE INDEX temp.coming_by_digest ON coming (digest)",
    "CREATE INDEX temp.coming_by_number ON coming (number)",
    """
    CREATE TEMPORARY TABLE coming_address (
        line INTEGER NOT NULL, channel TEXT NOT NULL, address TEXT NOT NULL,
        PRIMARY KEY (address, channel, line)) WITHOUT ROWID
    """,
    """
    CREATE TEMPORARY TABLE known (
        id INTEGER PRIMARY KEY, number TEXT, name TEXT NOT NULL, digest BLOB NOT NULL, line INTEGER)
    """,
    "CREATE INDEX temp.known_by_digest ON known (digest)",
    "CREATE INDEX temp.known_by_name ON known (name)",
    # Whoever is recognised is so on both sides.
    """
    CREATE TEMPORARY TRIGGER recognised AFTER UPDATE OF member_id ON coming
    BEGIN UPDATE known SET line = new.line WHERE id = new.member_id; END
    """,
)
ADD = "INSERT INTO coming (line, number, name, facts, digest) VALUES (:line, :number, :name, :facts, :digest)"
ADD_ADDRESS = "INSERT INTO coming_address (line, channel, address) VALUES (:line, :channel, :address)"
KNOW = "INSERT INTO known (id, number, name, digest) VALUES (:id, :number, :name, :digest)"
DROP = ("DELETE FROM coming WHERE line = :line", "DELETE FROM coming_address WHERE line = :line")
CHANGES = "SELECT changes()"
REPEATED = """
SELECT line, first FROM (SELECT line, min(line) OVER (PARTITION BY digest) AS first FROM coming)
WHERE line > first ORDER BY line
"""
REPEATED_NUMBER = """
SELECT line, first FROM (
    SELECT line, min(line) OVER (PARTITION BY number) AS first FROM coming WHERE number IS NOT NULL)
WHERE line > first ORDER BY line
"""
# A number decides; where both have one and they differ, these are two people.
BY_NUMBER = """
UPDATE coming SET member_id = (SELECT min(k.id) FROM member AS k WHERE k.number = coming.number)
WHERE number IS NOT NULL AND number IN (SELECT number FROM member)
"""
THE_SAME = """
UPDATE coming SET member_id = pair.id FROM (
    SELECT c.line, k.id FROM
        (SELECT line, digest, row_number() OVER (PARTITION BY digest ORDER BY line) AS nth
         FROM coming WHERE member_id IS NULL) AS c
    JOIN (SELECT id, digest, row_number() OVER (PARTITION BY digest ORDER BY id) AS nth
          FROM known WHERE line IS NULL) AS k
    ON c.digest = k.digest AND c.nth = k.nth) AS pair
WHERE coming.line = pair.line
"""
BY_NAME_AND_ADDRESS = """
WITH pair AS (
    SELECT DISTINCT c.line, k.id FROM coming AS c
    JOIN known AS k ON k.name = c.name AND (c.number IS NULL OR k.number IS NULL)
        AND c.member_id IS NULL AND k.line IS NULL
    WHERE EXISTS (
        SELECT 1 FROM member_address AS m
        JOIN coming_address AS a ON a.address = m.address AND a.channel = m.channel AND a.line = c.line
        WHERE m.member_id = k.id)),
best AS (SELECT line, id, min(id) OVER (PARTITION BY line) AS first_id,
    min(line) OVER (PARTITION BY id) AS first_line FROM pair)
UPDATE coming SET member_id = best.id FROM best
WHERE coming.line = best.line AND best.id = best.first_id AND best.line = best.first_line
"""
BY_ADDRESS = """
WITH shared AS (
    SELECT a.address, a.channel, min(c.line) AS line, min(k.id) AS id FROM coming_address AS a
    JOIN coming AS c ON c.line = a.line AND c.member_id IS NULL
    JOIN member_address AS m ON m.address = a.address AND m.channel = a.channel
    JOIN known AS k ON k.id = m.member_id AND k.line IS NULL
    GROUP BY a.address, a.channel
    HAVING count(DISTINCT c.line) = 1 AND count(DISTINCT k.id) = 1),
pair AS (
    SELECT DISTINCT c.line, k.id FROM shared JOIN coming AS c ON c.line = shared.line
    JOIN known AS k ON k.id = shared.id AND (c.number IS NULL OR k.number IS NULL)
        AND c.member_id IS NULL AND k.line IS NULL),
best AS (SELECT line, id, min(id) OVER (PARTITION BY line) AS first_id,
    min(line) OVER (PARTITION BY id) AS first_line FROM pair)
UPDATE coming SET member_id = best.id FROM best
WHERE coming.line = best.line AND best.id = best.first_id AND best.line = best.first_line
"""
BY_NAME = """
UPDATE coming SET member_id = pair.id FROM (
    SELECT c.line, k.id FROM
        (SELECT line, name, number, row_number() OVER (PARTITION BY name ORDER BY line) AS nth
         FROM coming WHERE member_id IS NULL) AS c
    JOIN (SELECT id, name, number, row_number() OVER (PARTITION BY name ORDER BY id) AS nth
          FROM known WHERE line IS NULL) AS k
    ON c.name = k.name AND c.nth = k.nth AND (c.number IS NULL OR k.number IS NULL)) AS pair
WHERE coming.line = pair.line
"""
COUNT = """
SELECT (SELECT count(*) FROM coming WHERE member_id IS NULL),
    (SELECT count(*) FROM coming AS c JOIN known AS k ON k.id = c.member_id WHERE c.digest <> k.digest),
    (SELECT count(*) FROM known WHERE line IS NULL),
    (SELECT count(*) FROM coming AS c JOIN known AS k ON k.id = c.member_id WHERE c.digest = k.digest)
"""
ADDED = "SELECT line, facts, 0 FROM coming WHERE member_id IS NULL AND line > :last ORDER BY line LIMIT :page"
CHANGED = """
SELECT c.line, c.facts, c.member_id FROM coming AS c JOIN known AS k ON k.id = c.member_id
WHERE c.digest <> k.digest AND c.line > :last ORDER BY c.line LIMIT :page
"""
REMOVED = "SELECT id, '', 0 FROM known WHERE line IS NULL AND id > :last ORDER BY id LIMIT :page"
