//! `userIdentity`, read in one pass and kept: nearly every question about an event asks for it.

use super::json::Raw;
use crate::names::same;

/// Declares an object and those of its members that are kept, once.
macro_rules! members {
    ($(#[$doc:meta])* $object:ident, $member:ident: $($variant:ident $field:ident = $name:literal,)*) => {
        /// Names a member of the object.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $member { $($variant,)* }

        impl $member {
            /// All of them, in the order in which AWS writes them.
            const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The member of that name, where it is one of those kept.
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)* _ => None }
            }
        }

        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        pub struct $object<'a> {
            /// It lies where AWS puts it, and these members are all there is to be found below it.
            pub is_plain: bool,
            /// What stands here counts only where `present`, one bit a member, says so: clearing
            /// the table for every event would cost more than filling it.
            members: [Raw<'a>; $object::KEYS.len()],
            present: u16,
            /// Where the next key stands among those kept, if they come as AWS writes them.
            next: usize,
        }

        impl Default for $object<'_> {
            fn default() -> Self {
                Self {
                    is_plain: true,
                    members: [Raw::default(); Self::KEYS.len()],
                    present: 0,
                    next: 0,
                }
            }
        }

        impl $object<'_> {
            /// The keys as they stand in a log, in the order in which AWS writes them.
            const KEYS: &'static [&'static str] = &[$(concat!("\"", $name, "\""),)*];
        }

        impl<'a> $object<'a> {
            /// As if nothing was ever read.
            pub const fn clear(&mut self) {
                self.is_plain = true;
                self.forget();
            }

            /// Makes room for another object in the place of this one.
            pub const fn forget(&mut self) {
                self.present = 0;
                self.next = 0;
            }

            /// Notes every member of the object, and nothing of what was noted before. `folded` takes
            /// its keys whatever their case.
            pub fn read(&mut self, raw: Raw<'a>, folded: bool) {
                self.forget();
                self.is_plain &= !raw.is_array();
                raw.each_member(|key, value| {
                    self.note(key.as_str(), value, folded);
                });
            }

            /// Notes a member, its key as it stands there, where it is one of those kept, and answers which. A key that stands
            /// twice keeps its last value.
            #[inline]
            pub fn note(&mut self, key: &str, value: Raw<'a>, folded: bool) -> Option<$member> {
                let place = match Self::KEYS.get(self.next) {
                    Some(expected) if same(expected, key) => self.next,
                    _ => Self::place(key, folded)?,
                };
                *self.members.get_mut(place)? = value;
                self.present |= 1 << place;
                self.next = place + 1;
                $member::ALL.get(place).copied()
            }

            /// Where a key stands among those kept, perhaps with escapes in it or in another case.
            fn place(key: &str, folded: bool) -> Option<usize> {
                let mut known = Self::KEYS.iter();
                if let Some(place) = known.position(|known| same(known, key)) {
                    return Some(place);
                }
                let name = Raw::new(key).string()?;
                [$($name,)*].iter().position(|known| {
                    name == *known || (folded && name.eq_ignore_ascii_case(known))
                })
            }

            /// That member, unread.
            #[inline]
            pub fn get(&self, member: $member) -> Raw<'a> {
                match self.members.get(member as usize) {
                    Some(value) if self.present & (1 << member as u16) != 0 => *value,
                    _ => Raw::default(),
                }
            }

            $(
                /// The member of that name, unread.
                #[inline]
                pub fn $field(&self) -> Raw<'a> {
                    self.get($member::$variant)
                }
            )*
        }
    };
}

members! {
    /// The members of `userIdentity` (AWS, "CloudTrail userIdentity element"), unread.
    UserIdentity, UserMember:
    Kind kind = "type",
    PrincipalId principal_id = "principalId",
    Arn arn = "arn",
    AccountId account_id = "accountId",
    AccessKeyId access_key_id = "accessKeyId",
    UserName user_name = "userName",
    SessionContext session_context = "sessionContext",
    InvokedBy invoked_by = "invokedBy",
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
    /// Finds the issuer in a `sessionContext`, and reads it; nothing of another is left.
    pub fn read_session(&mut self, session: Raw<'a>, folded: bool) {
        self.clear();
        self.is_plain = !session.is_array();
        session.each_member(|key, value| self.read_in_session(key, value, folded));
    }

    /// Reads a member of a `sessionContext`, where it is the issuer.
    pub fn read_in_session(&mut self, key: Raw<'a>, value: Raw<'a>, folded: bool) {
        const KEY: &str = "sessionIssuer";
        let named = |name: &str| name == KEY || (folded && name.eq_ignore_ascii_case(KEY));
        if same(key.as_str(), "\"attributes\"") {
            return;
        }
        if key.string().is_some_and(|key| named(&key)) {
            self.read(value, folded);
        }
        // an export that flattened its keys (`sessionIssuer.type`) is walked like any path
        self.is_plain &= !key.as_str().contains('.');
    }
}
