//! `userIdentity`, read in one pass and kept: nearly every question about an event asks for it.

use super::json::Raw;

/// Declares an object and those of its members that are kept, once.
macro_rules! members {
    ($(#[$doc:meta])* $object:ident, $member:ident: $($variant:ident $field:ident = $name:literal,)*) => {
        /// Names a member of the object.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $member { $($variant,)* }

        impl $member {
            const COUNT: usize = [$($name,)*].len();

            /// The member of that name, where it is one of those kept.
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)* _ => None }
            }

            /// The member whose key stands like that in a log.
            #[inline(always)]
            fn from_quoted(key: &str) -> Option<Self> {
                match key { $(concat!("\"", $name, "\"") => Some(Self::$variant),)* _ => None }
            }

            /// [`Self::from_name`] of a key as it stands in a log: with escapes in it, with blanks behind
            /// it, or in another case.
            #[inline(never)]
            fn from_odd(key: &str, folded: bool) -> Option<Self> {
                if !folded && key.ends_with('"') && !key.contains('\\') {
                    return None;
                }
                let name = Raw::new(key).string()?;
                $(
                    if name == $name || (folded && name.eq_ignore_ascii_case($name)) {
                        return Some(Self::$variant);
                    }
                )*
                None
            }
        }

        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        pub struct $object<'a> {
            /// It lies where AWS puts it, and these members are all there is to be found below it.
            pub is_plain: bool,
            /// What stands here counts only where `present`, one bit a member, says so: clearing
            /// the table for every event would cost more than filling it.
            members: [Raw<'a>; $member::COUNT],
            present: u16,
        }

        impl Default for $object<'_> {
            fn default() -> Self {
                Self {
                    is_plain: true,
                    members: [Raw::default(); $member::COUNT],
                    present: 0,
                }
            }
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

            /// Notes a member, its key as it stands there, where it is one of those kept, and answers
            /// which. A key that stands twice keeps its last value.
            #[inline(always)]
            pub fn note(&mut self, key: &str, value: Raw<'a>, folded: bool) -> Option<$member> {
                let member = match $member::from_quoted(key) {
                    Some(member) => member,
                    None => $member::from_odd(key, folded)?,
                };
                *self.members.get_mut(member as usize)? = value;
                self.present |= 1 << member as u16;
                Some(member)
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
    InScopeOf in_scope_of = "inScopeOf",
}

members! {
    /// The members of `userIdentity.sessionContext` beside its issuer.
    SessionContext, SessionMember:
    Attributes attributes = "attributes",
    WebIdFederationData web_id_federation_data = "webIdFederationData",
    Ec2RoleDelivery ec2_role_delivery = "ec2RoleDelivery",
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

/// A `sessionContext`, read in one pass.
#[derive(Debug, Clone, Copy, Default)]
pub struct Session<'a> {
    /// Read as they are spelled, whatever the case of the export.
    pub context: SessionContext<'a>,
    /// Its `is_plain` counts for both.
    pub issuer: SessionIssuer<'a>,
}

impl<'a> Session<'a> {
    /// As if nothing was ever read.
    pub const fn clear(&mut self) {
        self.context.clear();
        self.issuer.clear();
    }

    /// Reads a `sessionContext`; nothing of another is left.
    pub fn read(&mut self, session: Raw<'a>, folded: bool) {
        self.clear();
        self.issuer.is_plain = !session.is_array();
        session.each_member(|key, value| self.note(key, value, folded));
    }

    /// Notes a member of a `sessionContext`, and reads the issuer.
    pub fn note(&mut self, key: Raw<'a>, value: Raw<'a>, folded: bool) {
        const KEY: &str = "sessionIssuer";
        if self.context.note(key.as_str(), value, false).is_some() {
            return;
        }
        let named = |name: &str| name == KEY || (folded && name.eq_ignore_ascii_case(KEY));
        if key.string().is_some_and(|key| named(&key)) {
            self.issuer.read(value, folded);
        }
        // an export that flattened its keys (`sessionIssuer.type`) is walked like any path
        self.issuer.is_plain &= !key.as_str().contains('.');
    }
}
