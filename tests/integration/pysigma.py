"""Runs Sigma rules as SQL over records: pySigma writes the queries, SQLite answers them.

In (stdin):  {"rules": {name: YAML text}, "corpora": {name: [record, ...]}}
Out (stdout): {corpus: {rule: [place of each matching record, ...]}}

A record is one row. A column is a field that some rule names; its value is the scalar that the
dotted path leads to, as text without case (SQLite: ASCII only); an object or a list, there or on
the way, is its JSON text; null and missing are NULL.

Of correlations (in: {"correlations": {name: YAML text}, "histories": [[record, ...], ...]}, out:
{name: [place of each history in which it fires, ...]}) all histories lie in one table, each as a user
of its own, and are watched long enough for what does not happen to be known.

By hand:
    python3 -m venv /tmp/pysigma
    /tmp/pysigma/bin/pip install pysigma==2.0.1 pysigma-backend-sqlite==2.1.1
    PYSIGMA_PYTHON=/tmp/pysigma/bin/python cargo test --test pysigma
"""

import json
import re
import sqlite3
import sys

from sigma.backends.sqlite import sqliteBackend
from sigma.collection import SigmaCollection


def value_at(record, field):
    """The value of a dotted path; of a path that meets a list on its way, the list."""
    value = record
    for name in field.split("."):
        if isinstance(value, list):
            break
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value


def as_text(value):
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def fields_of(node):
    """Every field that a detection names, and every field that a `fieldref` names."""
    if isinstance(node, list):
        for item in node:
            yield from fields_of(item)
    elif isinstance(node, dict):
        for key, value in node.items():
            name, *modifiers = key.split("|")
            if name:
                yield name
            if "fieldref" in modifiers:
                yield value
            if isinstance(value, dict):
                yield from fields_of(value)


USER = "userIdentity.userName"
COLUMNS = ["eventTime", "eventName", "sourceIPAddress", USER, "requestParameters.n"]


def correlate(asked):
    database = sqlite3.connect(":memory:")
    columns = ", ".join(f"`{field}` TEXT COLLATE NOCASE" for field in COLUMNS)
    database.execute(f"CREATE TABLE logs ({columns})")
    row = f"INSERT INTO logs VALUES ({', '.join('?' * len(COLUMNS))})"
    for number, history in enumerate(asked["histories"]):
        for record in history:
            values = {field: as_text(value_at(record, field)) for field in COLUMNS}
            database.execute(row, [*(values | {USER: str(number)}).values()])
    answer = {}
    for name, text in asked["correlations"].items():
        backend = sqliteBackend(timestamp_field="eventTime", observation_end=2_000_000_000)
        # pySigma takes UUIDs for ids, and knows rules by their names
        rules = SigmaCollection.from_yaml(text.replace("\nid: ", "\nname: "))
        query = backend.convert(rules)[-1]
        found = database.execute(query)
        keys = [column[0] for column in found.description].index("group_keys")
        answer[name] = sorted({int(json.loads(alert[keys])[USER]) for alert in found})
    json.dump(answer, sys.stdout)


def main():
    asked = json.load(sys.stdin)
    if "correlations" in asked:
        return correlate(asked)
    queries, fields = {}, set()
    for name, text in asked["rules"].items():
        rules = SigmaCollection.from_yaml(text)
        queries[name] = sqliteBackend().convert(rules)
        for rule in rules.rules:
            detection = rule.to_dict()["detection"]
            detection.pop("condition", None)
            for part in detection.values():
                fields.update(fields_of(part))
    fields = sorted(fields)
    answer = {}
    for corpus, records in asked["corpora"].items():
        database = sqlite3.connect(":memory:")
        database.create_function(
            "REGEXP", 2, lambda pattern, text: text is not None and re.search(pattern, text) is not None
        )
        columns = ", ".join(f"`{field}` TEXT COLLATE NOCASE" for field in fields)
        database.execute(f"CREATE TABLE logs (place INTEGER PRIMARY KEY, {columns})")
        row = f"INSERT INTO logs VALUES (?{', ?' * len(fields)})"
        for place, record in enumerate(records):
            database.execute(row, [place, *(as_text(value_at(record, field)) for field in fields)])
        answer[corpus] = {
            name: sorted({found[0] for query in wanted for found in database.execute(query)})
            for name, wanted in queries.items()
        }
    json.dump(answer, sys.stdout)


main()
