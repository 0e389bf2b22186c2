//! `userIdentity`, read in one pass and kept: nearly every question about an event asks for it.

use std::borrow::Cow;

use super::json::Raw;

/// Declares the members that are kept, once.
macro_rules! members {
    ($($field:ident = $name:literal,)*) => {
        /// The members of `userIdentity` (AWS, "CloudTrail userIdentity element"), unread.
        #[derive(Debug, Clone, Copy, Default)]
        pub struct UserIdentity<'a> { $(pub $field: Raw<'a>,)* }

        impl<'a> UserIdentity<'a> {
            /// Notes every member of the object. A key that stands twice keeps its last value.
            pub fn new(raw: Raw<'a>, folded: bool) -> Self {
                let mut identity = Self::default();
                for (name, value) in raw.members() {
                    let slot = match name.as_ref() {
                        $($name => &mut identity.$field,)*
                        other if folded => match identity.folded(other) {
                            Some(slot) => slot,
                            None => continue,
                        },
                        _ => continue,
                    };
                    *slot = value;
                }
                identity
            }

            fn folded(&mut self, name: &str) -> Option<&mut Raw<'a>> {
                $(if name.eq_ignore_ascii_case($name) { return Some(&mut self.$field); })*
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

impl<'a> UserIdentity<'a> {
    /// A member's text; empty where there is none.
    pub fn text(raw: Raw<'a>) -> Cow<'a, str> {
        raw.text().unwrap_or_default()
    }
}
