//! `userIdentity`, read in one pass and kept: nearly every question about an event asks for it.

use std::borrow::Cow;

use super::json::Raw;

/// Declares an object and those of its members that are kept, once.
macro_rules! members {
    ($(#[$doc:meta])* $object:ident, $member:ident: $($variant:ident $field:ident = $name:literal,)*) => {
        /// Names a member of the object.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $member { $($variant,)* }

        impl $member {
            /// The member of that name, where it is one of those kept.
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)* _ => None }
            }
        }

        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Default)]
        pub struct $object<'a> {
            /// It lies where AWS puts it, and these members are all there is to be found below it.
            pub is_plain: bool,
            $(pub $field: Raw<'a>,)*
        }

        impl<'a> $object<'a> {
            /// Notes every member of the object. A key that stands twice keeps its last value.
            /// `folded` takes its keys whatever their case.
            pub fn new(raw: Raw<'a>, folded: bool) -> Self {
                let mut object = Self { is_plain: !raw.is_array(), ..Self::default() };
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

            /// That member, unread.
            pub const fn get(&self, member: $member) -> Raw<'a> {
                match member { $($member::$variant => self.$field,)* }
            }
        }
    };
}

members! {
    /// The members of `userIdentity` (AWS, "CloudTrail userIdentity element"), unread.
    UserIdentity, UserMember:
    Kind kind = "type",
    Arn arn = "arn",
    PrincipalId principal_id = "principalId",
    AccountId account_id = "accountId",
    AccessKeyId access_key_id = "accessKeyId",
    UserName user_name = "userName",
    InvokedBy invoked_by = "invokedBy",
    SessionContext session_context = "sessionContext",
    OnBehalfOf on_behalf_of = "onBehalfOf",
    IdentityProvider identity_provider = "identityProvider",
}

members! {
    /// The members of `userIdentity.sessionContext.sessionIssuer`: who gave the credentials out.
    SessionIssuer, IssuerMember:
    Kind kind = "type",
    PrincipalId principal_id = "principalId",
    Arn arn = "arn",
    AccountId account_id = "accountId",
    UserName user_name = "userName",
}

impl<'a> SessionIssuer<'a> {
    /// Finds the issuer in a `sessionContext`.
    pub fn of_session(session: Raw<'a>, folded: bool) -> Self {
        const KEY: &str = "sessionIssuer";
        let mut issuer = Raw::default();
        let mut plain = !session.is_array();
        for (key, value) in session.entries() {
            let same = |name: &str| name == KEY || (folded && name.eq_ignore_ascii_case(KEY));
            if key.as_str() == "\"sessionIssuer\"" || key.string().is_some_and(|key| same(&key)) {
                issuer = value;
            } else {
                // an export that flattened its keys (`sessionIssuer.type`) is walked like any path
                plain &= !key.as_str().contains('.');
            }
        }
        let found = Self::new(issuer, folded);
        Self {
            is_plain: plain && found.is_plain,
            ..found
        }
    }
}

impl<'a> UserIdentity<'a> {
    /// A member's text; empty where there is none.
    pub fn text(raw: Raw<'a>) -> Cow<'a, str> {
        raw.text().unwrap_or_default()
    }
}
