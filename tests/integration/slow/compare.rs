//! One record as the slow twin reads it, compared with everything an [`Event`] can be asked.

use chrono::{DateTime, NaiveDateTime};
use trailscan::event::json::{Raw, Value};
use trailscan::event::{Event, Key, Path, is_anonymous};

use super::Tree;

/// How many lists directly inside lists a path enters.
const LISTS_IN_LISTS: u32 = 64;

/// A record: its documented keys, its others, and whether an export wrote all in lower case.
#[derive(Debug, Clone)]
pub struct Record {
    fields: Vec<Option<Tree>>,
    others: Vec<(String, Tree)>,
    folded: bool,
}

/// Stops at the first difference and says what was asked.
type Same = Result<(), String>;

impl Record {
    pub fn new(object: &Tree) -> Self {
        let mut record = Self {
            fields: vec![None; Key::ALL.len()],
            others: Vec::new(),
            folded: false,
        };
        for (name, value) in object.members() {
            match Key::from_name(name) {
                Some(key) => record.fields[key as usize] = Some(value.clone()),
                None => record.others.push((name.clone(), value.clone())),
            }
        }
        let spelled = [Key::EventName, Key::EventVersion];
        if spelled.iter().all(|key| record.field(*key).is_none()) {
            record.unfold();
        }
        record
    }

    fn unfold(&mut self) {
        for (name, value) in std::mem::take(&mut self.others) {
            let lower = name.to_ascii_lowercase() == name;
            let key = Key::ALL
                .iter()
                .find(|key| lower && key.as_str().to_ascii_lowercase() == name);
            match key {
                Some(key) => {
                    self.folded = true;
                    self.fields[*key as usize] = Some(value);
                }
                None => self.others.push((name, value)),
            }
        }
    }

    pub fn looks_like_one(&self) -> bool {
        let has = |key| self.field(key).is_some();
        has(Key::EventVersion)
            || has(Key::EventId)
            || (has(Key::EventName) && (has(Key::EventSource) || has(Key::EventTime)))
    }

    /// True for what a list of records may hold as one.
    pub fn may_be_one(&self) -> bool {
        [
            Key::EventVersion,
            Key::EventId,
            Key::EventName,
            Key::EventSource,
            Key::EventTime,
            Key::EventType,
        ]
        .iter()
        .any(|key| self.field(*key).is_some())
    }

    fn field(&self, key: Key) -> Option<&Tree> {
        self.fields[key as usize].as_ref()
    }

    fn other(&self, name: &str) -> Option<&Tree> {
        let mut others = self.others.iter().rev();
        others.find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// Members and values, one by one and down to the last, and what is read of every record.
    pub fn same(&self, event: &Event<'_>) -> Same {
        let documented = Key::ALL
            .iter()
            .filter_map(|key| Some((key.as_str(), self.field(*key)?)));
        let others = self
            .others
            .iter()
            .map(|(name, value)| (name.as_str(), value));
        let expected: Vec<(&str, &Tree)> = documented.chain(others).collect();
        let found: Vec<(&str, Raw<'_>)> = event.members().collect();
        equal(
            "its members",
            &expected.iter().map(|(name, _)| *name).collect::<Vec<_>>(),
            &found.iter().map(|(name, _)| *name).collect::<Vec<_>>(),
        )?;
        for ((name, tree), (_, raw)) in expected.iter().zip(&found) {
            same_value(name, tree, *raw)?;
        }
        let mut leaves = Vec::new();
        expected
            .iter()
            .for_each(|(_, tree)| tree.leaves(&mut leaves));
        same_leaves("the record", &leaves, event.leaves().collect())?;
        self.same_facts(event)
    }

    fn same_facts(&self, event: &Event<'_>) -> Same {
        for key in Key::ALL {
            let tree = self.field(*key);
            equal(key.as_str(), &event.raw(*key).is_absent(), &tree.is_none())?;
            same_text(key.as_str(), tree, &event.text(*key))?;
            if let Some(Tree::Text(text)) = tree {
                let plain = !text.contains(|c: char| c == '"' || c == '\\' || c < ' ');
                let escaped = event.raw(*key).as_str().contains('\\');
                if plain && !escaped {
                    equal("is", &event.is(*key, text), &true)?;
                }
                equal("is, nearly", &event.is(*key, &format!("{text}x")), &false)?;
            }
        }
        equal(
            "looks",
            &event.looks_like_a_record(),
            &self.looks_like_one(),
        )?;
        let time = match self.field(Key::EventTime) {
            Some(Tree::Text(text)) => time(text),
            _ => None,
        };
        equal("time", &event.time(), &time)?;
        let identity = self.field(Key::UserIdentity);
        let member = |name| identity.and_then(|tree| tree.get(name, self.folded));
        let user = event.user();
        for (name, raw) in [
            ("type", user.kind()),
            ("arn", user.arn()),
            ("principalId", user.principal_id()),
            ("accountId", user.account_id()),
            ("accessKeyId", user.access_key_id()),
            ("userName", user.user_name()),
            ("invokedBy", user.invoked_by()),
            ("sessionContext", user.session_context()),
            ("onBehalfOf", user.on_behalf_of()),
            ("identityProvider", user.identity_provider()),
        ] {
            match member(name) {
                Some(tree) => same_value(name, tree, raw)?,
                None => equal(name, &raw.is_absent(), &true)?,
            }
            let at = event.at(Key::UserIdentity, &[name]);
            equal(name, &at.as_str(), &raw.as_str())?;
        }
        let recipient = event.text(Key::RecipientAccountId);
        let own = event.read(user.account_id());
        if recipient.is_empty() && (own.is_empty() || is_anonymous(&own)) {
            // the owner of a resource, or that nobody knows: never nothing
            equal("no account", &event.account().is_empty(), &false)
        } else if recipient.is_empty() {
            same_text("account", member("accountId"), &event.account())
        } else {
            equal("account", &event.account(), &recipient)
        }
    }

    /// Every path that leads somewhere, and for each one that does not.
    pub fn same_paths(&self, event: &Event<'_>) -> Same {
        let mut paths = Vec::new();
        let documented = Key::ALL
            .iter()
            .filter_map(|key| Some((key.as_str(), self.field(*key)?)));
        let others = self
            .others
            .iter()
            .map(|(name, value)| (name.as_str(), value));
        for (name, tree) in documented.chain(others) {
            paths.push(name.to_owned());
            tree.paths(name, &mut paths);
        }
        paths.sort();
        paths.dedup();
        for path in paths {
            self.same_path(event, &path)?;
            self.same_path(event, &format!("{path}x"))?;
            self.same_path(event, &format!("{path}.x"))?;
            self.same_path(event, &path.to_uppercase())?;
        }
        Ok(())
    }

    fn same_path(&self, event: &Event<'_>, field: &str) -> Same {
        let path = Path::new(field);
        let parts: Vec<&str> = field
            .split('.')
            .map(|part| part.strip_suffix("[]").unwrap_or(part))
            .collect();
        // known: below `userIdentity` a member that is read at once (`arn`) hides a name with a dot
        // that begins like it (`arn.5`)
        if parts.first() == Some(&"userIdentity") && self.dotted(&parts) {
            return Ok(());
        }
        let expected = self.visited(&parts);
        let mut found = Vec::new();
        let mut failed = Ok(());
        event.visit(&path, &mut |value| {
            let place = found.len();
            if failed.is_ok() {
                failed = match expected.get(place) {
                    Some(tree) => same_visited(field, tree, &value),
                    None => Err(format!("{field}: visits {value:?} too much")),
                };
            }
            found.push(());
            false
        });
        failed?;
        equal(field, &found.len(), &expected.len())?;
        // `visit` stops when its closure says so
        let mut calls = 0;
        let stopped = event.visit(&path, &mut |_| {
            calls += 1;
            true
        });
        let any = usize::from(!expected.is_empty());
        equal(field, &(stopped, calls), &(any == 1, any))?;
        // a key with a dot in its name is reached by `visit` alone
        let dotted = self.dotted(&parts);
        if !dotted {
            let exists = match parts.split_last() {
                Some((last, [])) => self.first(last).is_some(),
                Some((last, init)) => {
                    let mut parents = self.visited(init).into_iter();
                    parents.any(|parent| parent.get(last, self.folded).is_some())
                }
                None => false,
            };
            let what = format!("{field} exists");
            equal(&what, &event.has(&path), &exists)?;
        }
        Ok(())
    }

    /// True where several parts of the path may be one name.
    fn dotted(&self, parts: &[&str]) -> bool {
        fn inside(tree: &Tree) -> bool {
            tree.items().iter().any(inside)
                || tree
                    .members()
                    .iter()
                    .any(|(name, value)| name.contains('.') || inside(value))
        }
        let first = parts.first().copied().unwrap_or_default();
        self.first(first).is_some_and(inside)
            || self.others.iter().any(|(name, _)| name.contains('.'))
    }

    fn first(&self, name: &str) -> Option<&Tree> {
        match Key::from_name(name) {
            Some(key) => self.field(key),
            None => self.other(name),
        }
    }

    fn visited(&self, parts: &[&str]) -> Vec<&Tree> {
        let mut found = Vec::new();
        let Some((first, rest)) = parts.split_first() else {
            return found;
        };
        let flat = match Key::from_name(first) {
            Some(_) => None,
            None => self.other(&parts.join(".")),
        };
        match flat {
            Some(flat) => descend(flat, &[], self.folded, LISTS_IN_LISTS, &mut found),
            None => {
                if let Some(root) = self.first(first) {
                    descend(root, rest, self.folded, LISTS_IN_LISTS, &mut found);
                }
            }
        }
        found
    }
}

/// What a path reaches: lists are entered at every level, and a key that itself holds the dots wins.
fn descend<'t>(tree: &'t Tree, rest: &[&str], folded: bool, lists: u32, found: &mut Vec<&'t Tree>) {
    if let Tree::List(items) = tree {
        if lists > 0 {
            for item in items {
                descend(item, rest, folded, lists - 1, found);
            }
        }
        return;
    }
    let Some((first, deeper)) = rest.split_first() else {
        found.push(tree);
        return;
    };
    if !deeper.is_empty()
        && let Some(flat) = tree.get(&rest.join("."), false)
    {
        return descend(flat, &[], folded, lists, found);
    }
    if let Some(member) = tree.get(first, folded) {
        descend(member, deeper, folded, lists, found);
    }
}

fn equal<T: PartialEq + std::fmt::Debug>(what: &str, fast: &T, slow: &T) -> Same {
    match fast == slow {
        true => Ok(()),
        false => Err(format!("{what}: {fast:?} and {slow:?}")),
    }
}

/// A value, its members and its items, whichever way they are asked for.
fn same_value(what: &str, tree: &Tree, raw: Raw<'_>) -> Same {
    equal(what, &raw.is_object(), &matches!(tree, Tree::Members(_)))?;
    equal(what, &raw.is_array(), &matches!(tree, Tree::List(_)))?;
    equal(what, &raw.is_null(), &matches!(tree, Tree::Null))?;
    same_visited(what, tree, &raw.value())?;
    let text = match tree {
        Tree::Text(text) => Some(text.as_str()),
        _ => None,
    };
    equal(what, &raw.string().as_deref(), &text)?;
    let members: Vec<_> = raw.members().collect();
    equal(what, &members.len(), &tree.members().len())?;
    for ((name, member), (slow_name, slow)) in members.iter().zip(tree.members()) {
        equal(what, &name.as_ref(), &slow_name.as_str())?;
        same_value(&format!("{what}.{name}"), slow, *member)?;
        // known: `get` takes `\"` in the text of a name for the same two characters asked for
        if !slow_name.contains(['\\', '"']) {
            let last = tree.get(slow_name, false).unwrap();
            same_visited(what, last, &raw.get(slow_name).value())?;
        }
    }
    let items: Vec<_> = raw.items().collect();
    equal(what, &items.len(), &tree.items().len())?;
    for (item, slow) in items.iter().zip(tree.items()) {
        same_value(&format!("{what}[]"), slow, *item)?;
    }
    Ok(())
}

fn same_leaves(what: &str, expected: &[&Tree], found: Vec<Raw<'_>>) -> Same {
    equal(&format!("leaves of {what}"), &found.len(), &expected.len())?;
    for (slow, raw) in expected.iter().zip(found) {
        same_visited(&format!("a leaf of {what}"), slow, &raw.value())?;
    }
    Ok(())
}

/// A scalar by its value, a nested value by its text.
fn same_visited(what: &str, tree: &Tree, value: &Value<'_>) -> Same {
    let same = match (tree, value) {
        (Tree::Null, Value::Null) => true,
        (Tree::Bool(slow), Value::Bool(fast)) => slow == fast,
        // the digits stay as written: they must be the same number
        (Tree::Number(_), Value::Number(digits)) => Tree::read(digits).is_ok_and(|n| n == *tree),
        (Tree::Text(slow), Value::Text(fast)) => slow == fast,
        (Tree::List(_) | Tree::Members(_), Value::Nested(raw)) => {
            Tree::read(raw.as_str()).is_ok_and(|nested| nested == *tree)
        }
        _ => false,
    };
    match same {
        true => Ok(()),
        false => Err(format!("{what}: {value:?} and {tree:?}")),
    }
}

fn same_text(what: &str, tree: Option<&Tree>, text: &str) -> Same {
    let same = match tree {
        Some(Tree::Text(slow)) => slow == text,
        Some(Tree::Bool(slow)) => slow.to_string() == text,
        Some(number @ Tree::Number(_)) => Tree::read(text).is_ok_and(|read| read == *number),
        _ => text.is_empty(),
    };
    match same {
        true => Ok(()),
        false => Err(format!("{what} as text: {text:?} and {tree:?}")),
    }
}

/// By chrono alone.
fn time(text: &str) -> Option<i64> {
    if text.get(17..19)? == "60" {
        return None;
    }
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.timestamp());
    }
    let time = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f").ok()?;
    Some(time.and_utc().timestamp())
}

/// Asks everything of a record that may be damaged.
pub fn ask(event: &Event<'_>) {
    fn deep(raw: Raw<'_>, levels: usize) -> usize {
        if levels == 0 {
            return 0;
        }
        let members = raw.members();
        let members = members.map(|(name, value)| name.len() + deep(value, levels - 1));
        let items = raw.items().map(|item| deep(item, levels - 1));
        let own = raw.value().as_text().map_or(0, |text| text.len());
        members.sum::<usize>() + items.sum::<usize>() + own
    }
    let members: Vec<(String, usize)> = event
        .members()
        .map(|(name, raw)| (name.to_owned(), deep(raw, 40)))
        .collect();
    let fields = [
        "userIdentity.arn",
        "userIdentity.x.y",
        "requestParameters.items.a",
        "x.y",
    ];
    let fields = fields.into_iter().map(str::to_owned);
    for field in fields.chain(members.into_iter().map(|(name, _)| name)) {
        let path = Path::new(&field);
        event.visit(&path, &mut |value| value.as_text().is_none());
        let _ = event.has(&path);
    }
    let _ = (event.leaves().count(), event.account(), event.time());
    let _ = (event.user().arn(), event.looks_like_a_record());
}
