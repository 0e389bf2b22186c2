//! Where a rule's field is found in an event.

use crate::derive::{Derived, Organization};
use crate::event::json::Value;
use crate::event::{Event, Key, Path};
use crate::rules::{FirstSeen, secret};

/// A name in our own namespace that is no field of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a derived field of trailscan")]
pub struct UnknownField(String);

/// A field that a finding cannot show.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotShown {
    #[error(transparent)]
    Unknown(#[from] UnknownField),
    #[error(
        "`{0}` may hold a password, key or token: a rule can test it, but cannot name, group or count \
         by it, because the report and the state file would show its value"
    )]
    Secret(String),
}

/// Where a rule's field is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Field {
    Path(Path),
    Derived(Derived),
    /// What history decides; no event has a value of it.
    FirstSeen(FirstSeen),
    /// Keywords: any value anywhere in the record.
    Anywhere,
}

impl Field {
    /// Works a field name out; an error where it is in our own namespace but not a field of ours.
    pub fn new(name: &str) -> Result<Self, UnknownField> {
        if name.starts_with("trailscan.") {
            let unknown = || UnknownField(name.to_owned());
            let first_seen = || FirstSeen::from_field(name).map(Self::FirstSeen);
            let derived = Derived::from_field(name).map(Self::Derived);
            return derived.or_else(first_seen).ok_or_else(unknown);
        }
        Ok(Self::Path(Path::new(name)))
    }

    /// Parses the name of a field whose values findings show or are grouped by.
    ///
    /// # Errors
    /// As [`Self::new`], and if the field may hold a credential.
    pub fn shown(name: &str) -> Result<Self, NotShown> {
        let field = Self::new(name)?;
        match field.is_secret() {
            true => Err(NotShown::Secret(name.to_owned())),
            false => Ok(field),
        }
    }

    /// True if a value of this field may be a credential, which must not be shown.
    pub fn is_secret(&self) -> bool {
        match self {
            Self::Path(Path::Below(_, parts, _) | Path::Other(parts)) => {
                parts.iter().any(|part| secret::is_secret(part))
            }
            Self::Path(Path::Key(_)) | Self::Derived(_) | Self::FirstSeen(_) | Self::Anywhere => {
                false
            }
        }
    }

    /// The key of `trailscan.toml` without which this field has no value.
    pub const fn needs(&self) -> Option<&'static str> {
        match self {
            Self::Derived(derived) => derived.needs(),
            Self::FirstSeen(_) => Some(FirstSeen::NEEDS),
            Self::Path(_) | Self::Anywhere => None,
        }
    }

    /// The one scalar of a field that can have no other, as it stands there: empty where it is absent.
    /// `None` if the field must be visited.
    pub(super) fn scalar<'a>(&self, event: &Event<'a>) -> Option<&'a str> {
        match self {
            Self::Path(path) => event.scalar_at(path),
            _ => None,
        }
    }

    /// The one scalar of a member below `userIdentity.NAME`, as [`Self::scalar`] has it; nothing for other
    /// fields. It leaves out keys that an export has flattened, which only `exists` asks for.
    pub(super) fn member<'a>(&self, event: &Event<'a>) -> Option<&'a str> {
        match self {
            Self::Path(path) => event.scalar_below(path),
            _ => None,
        }
    }

    /// Calls `visit` with every value until it answers true; answers whether it did.
    pub fn visit<'a>(
        &self,
        event: &Event<'a>,
        organization: &Organization,
        visit: &mut dyn FnMut(Value<'a>) -> bool,
    ) -> bool {
        match self {
            Self::Path(path) => event.visit(path, visit),
            Self::Derived(derived) => derived.value(event, organization).is_some_and(visit),
            Self::FirstSeen(_) => false,
            Self::Anywhere => event.leaves().any(|leaf| visit(leaf.value())),
        }
    }

    /// True where the key is there.
    pub fn exists(&self, event: &Event<'_>, organization: &Organization) -> bool {
        match self {
            Self::Path(path) => event.has(path),
            Self::Derived(derived) => derived.value(event, organization).is_some(),
            Self::FirstSeen(_) => false,
            Self::Anywhere => true,
        }
    }

    /// Calls `take` with the first value that is text, where there is one: what findings and
    /// correlations are grouped by.
    pub fn first(
        &self,
        event: &Event<'_>,
        organization: &Organization,
        take: &mut dyn FnMut(&str),
    ) {
        let found = self.visit(event, organization, &mut |value| match value.as_text() {
            Some(text) => {
                take(&text);
                true
            }
            None => false,
        });
        // old records do not say whose log they are in, and belong to an account all the same
        if !found && *self == Self::Path(Path::Key(Key::RecipientAccountId)) {
            take(&event.account());
        }
    }

    /// The first value as text; empty where there is none.
    pub fn text(&self, event: &Event<'_>, organization: &Organization) -> String {
        let mut found = String::new();
        self.first(event, organization, &mut |text| text.clone_into(&mut found));
        found
    }
}
