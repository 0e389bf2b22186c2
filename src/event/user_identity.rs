//! `userIdentity`, read in one pass and kept: nearly every question about an event asks for it.

use std::borrow::Cow;

use super::json::Raw;

/// Declares an object and those of its members that are kept, once.
macro_rules! members {
    ($(#[$doc:meta])* $object:ident: $($field:ident = $name:literal,)*) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Default)]
        pub struct $object<'a> { $(pub $field: Raw<'a>,)* }

        impl<'a> $object<'a> {
            /// Notes every member of the object. A key that stands twice keeps its last value.
            /// `folded` takes its keys whatever their case.
            pub fn new(raw: Raw<'a>, folded: bool) -> Self {
                let mut object = Self::default();
                for (key, value) in raw.entries() {
                    let slot = match key.as_str() {
                        $(concat!("\"", $name, "\"") => Some(&mut object.$field),)*
                        _ => object.spelt_otherwise(key, folded),
                    };
                    if let Some(slot) = slot {
                        *slot = value;
                    }
                }
                object
            }

            /// A key with escapes in it, or in another case.
            fn spelt_otherwise(&mut self, key: Raw<'a>, folded: bool) -> Option<&mut Raw<'a>> {
                let name = key.string()?;
                $(if name == $name || (folded && name.eq_ignore_ascii_case($name)) {
                    return Some(&mut self.$field);
                })*
                None
            }

            /// The member of that name, where it is one of those kept.
            pub fn get(&self, name: &str) -> Option<Raw<'a>> {
                match name { $($name => Some(self.$field),)* _ => None }
            }
        }
    };
}

members! {
    /// The members of `userIdentity` (AWS, "CloudTrail userIdentity element"), unread.
    UserIdentity:
    kind = "type",
    arn = "arn",
    principal_id = "principalId",
    account_id = "accountId",
    access_key_id = "accessKeyId",
    user_name = "userName",
    invoked_by = "invokedBy",
    session_context = "sessionContext",
    on_behalf_of = "onBehalfOf",
    identity_provider = "identityProvider",
}

members! {
    /// The members of `userIdentity.sessionContext.sessionIssuer`: who gave the credentials out.
    SessionIssuer:
    kind = "type",
    principal_id = "principalId",
    arn = "arn",
    account_id = "accountId",
    user_name = "userName",
}

impl<'a> UserIdentity<'a> {
    /// A member's text; empty where there is none.
    pub fn text(raw: Raw<'a>) -> Cow<'a, str> {
        raw.text().unwrap_or_default()
    }
}
