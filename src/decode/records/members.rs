//! Members as CloudTrail writes them: no white space, nothing but what belongs there. The index has
//! checked strings and scalars already.
//!
//! One loop reads those of the record, and of the objects that nearly every question asks for:
//! `userIdentity`, its `sessionContext`, and the `sessionIssuer` in it. All other objects are skipped
//! and read on demand.

use super::super::structure::BLOCK;
use super::Walk;
use crate::event::json::Raw;
use crate::event::user_identity::{Session, SessionIssuer, UserIdentity, UserMember};
use crate::event::{Event, Key};

/// A place in a walk.
#[derive(Clone, Copy)]
pub(super) struct WalkPosition {
    /// The next structural byte, and the offset behind the last.
    pub(super) next: usize,
    pub(super) behind: usize,
}

/// Where the members of an object go.
trait Members<'a> {
    /// Walks into the object that opens at `at`, the value of that key as it stands there, and answers
    /// where it ended; `None` if it is to be skipped.
    fn enter(&mut self, walk: &Walk<'a>, key: &'a str, at: WalkPosition) -> Option<WalkPosition>;

    /// Takes a member: key and value as they stand there, the marks of the value, and whether it was
    /// walked into. False where the key is no string.
    ///
    /// The value's parts come one by one because each path puts them into a place of its own: as a
    /// whole it would lie on the stack in between, and wait there for every member.
    fn take(&mut self, key: &'a str, value: &'a str, marks: &'a [u32], walked: bool) -> bool;
}

impl<'a> Walk<'a> {
    /// Reads the members of a record from here on, as long as they are plain. True where the object
    /// ended; where it did not, the next member is one to look at closely.
    ///
    /// Apart from the close look, which would take the registers that this needs.
    #[inline(never)]
    pub(super) fn plain_members(&mut self, event: &mut Event<'a>) -> bool {
        if !self.compact {
            return false;
        }
        let (here, ended) = self.members(self.here(), event);
        self.set(here);
        ended
    }

    /// The plain members from a place on, and whether their object ended there.
    #[inline(always)]
    fn members(&self, mut here: WalkPosition, to: &mut impl Members<'a>) -> (WalkPosition, bool) {
        // asked for by byte before it is cut: what is known to be ASCII is where a character begins
        let (text, bytes) = (self.text, self.text.as_bytes());
        loop {
            let positions = self.positions.get(here.next..);
            let Some(&[colon, ahead]) = positions.and_then(|all| all.first_chunk()) else {
                return (here, false);
            };
            let (colon, ahead) = (colon as usize, ahead as usize);
            let (Some(b':'), Some(b'"')) = (bytes.get(colon), bytes.get(here.behind)) else {
                return (here, false);
            };
            let Some(key) = text.get(here.behind..colon) else {
                return (here, false);
            };
            let mut after = WalkPosition {
                next: here.next + 1,
                behind: ahead,
            };
            let nested = ahead == colon + 1;
            let (mut marks, mut walked) = (&[][..], false);
            if nested {
                let there = to.enter(self, key, after);
                walked = there.is_some();
                match there.or_else(|| self.skip_nested(after)) {
                    Some(there) => after = there,
                    None => return (here, false),
                }
                // what closes must be followed at once by the comma or bracket
                if self.positions.get(after.next).map(|at| *at as usize) != Some(after.behind) {
                    return (here, false);
                }
                let inside = self.positions.get(here.next + 1..after.next);
                marks = inside.unwrap_or_default();
            }
            let last = match bytes.get(after.behind) {
                Some(b',') => false,
                Some(b'}') => true,
                _ => return (here, false),
            };
            let Some(value) = text.get(colon + 1..after.behind) else {
                return (here, false);
            };
            if !to.take(key, value, marks, walked) {
                return (here, false);
            }
            here = WalkPosition {
                next: after.next + 1,
                behind: after.behind + 1,
            };
            if last {
                return (here, true);
            }
        }
    }

    /// The plain members of the object that opens at a place, and the place behind it. `None` if
    /// they are not plain, or where it is a list or has none.
    #[inline(never)]
    fn members_within(&self, at: WalkPosition, to: &mut impl Members<'a>) -> Option<WalkPosition> {
        let Some([b'{', b':', ..]) = self.kinds.get(at.next..) else {
            return None;
        };
        let inside = WalkPosition {
            next: at.next + 1,
            behind: *self.positions.get(at.next)? as usize + 1,
        };
        let (there, ended) = self.members(inside, to);
        ended.then_some(there)
    }

    /// True where no backslash stands between that offset, which never goes back, and here.
    pub(super) fn is_plain(&mut self, from: usize) -> bool {
        while let Some(((block, _), rest)) = self.escapes.split_first()
            && *block as usize + BLOCK <= from
        {
            self.escapes = rest;
        }
        self.escapes
            .first()
            .is_none_or(|(block, _)| *block as usize >= self.behind)
    }

    pub(super) const fn here(&self) -> WalkPosition {
        WalkPosition {
            next: self.next,
            behind: self.behind,
        }
    }

    pub(super) fn set(&mut self, here: WalkPosition) {
        (self.next, self.behind) = (here.next, here.behind);
    }
}

impl<'a> Members<'a> for Event<'a> {
    #[inline(always)]
    fn enter(&mut self, walk: &Walk<'a>, key: &'a str, at: WalkPosition) -> Option<WalkPosition> {
        if key != "\"userIdentity\"" {
            return None;
        }
        let (user, session) = self.caller();
        user.clear();
        session.clear();
        walk.members_within(at, &mut Caller { user, session })
    }

    #[inline(always)]
    fn take(&mut self, key: &'a str, value: &'a str, marks: &'a [u32], walked: bool) -> bool {
        match Key::from_quoted(key) {
            Some(_) if walked => self.set_caller(Raw::exactly(value, marks)),
            Some(key) => self.set(key, Raw::exactly(value, marks)),
            None => match Raw::new(key).string() {
                Some(name) => self.note(name, Raw::exactly(value, marks)),
                None => return false,
            },
        }
        true
    }
}

/// `userIdentity`.
struct Caller<'e, 'a> {
    user: &'e mut UserIdentity<'a>,
    session: &'e mut Session<'a>,
}

impl<'a> Members<'a> for Caller<'_, 'a> {
    #[inline(always)]
    fn enter(&mut self, walk: &Walk<'a>, key: &'a str, at: WalkPosition) -> Option<WalkPosition> {
        if key != "\"sessionContext\"" {
            return None;
        }
        self.session.clear();
        walk.members_within(at, self.session)
    }

    #[inline(always)]
    fn take(&mut self, key: &'a str, value: &'a str, marks: &'a [u32], walked: bool) -> bool {
        let noted = self.user.note(key, Raw::exactly(value, marks), false);
        if noted == Some(UserMember::SessionContext) && !walked {
            self.session.read(Raw::exactly(value, marks), false);
        }
        true
    }
}

impl<'a> Members<'a> for Session<'a> {
    #[inline(always)]
    fn enter(&mut self, walk: &Walk<'a>, key: &'a str, at: WalkPosition) -> Option<WalkPosition> {
        if key != "\"sessionIssuer\"" {
            return None;
        }
        self.issuer.forget();
        walk.members_within(at, &mut Issuer(&mut self.issuer))
    }

    #[inline(always)]
    fn take(&mut self, key: &'a str, value: &'a str, marks: &'a [u32], walked: bool) -> bool {
        if !walked {
            let value = Raw::exactly(value, marks);
            self.note(Raw::new(key), value, false);
        }
        true
    }
}

/// `userIdentity.sessionContext.sessionIssuer`.
struct Issuer<'e, 'a>(&'e mut SessionIssuer<'a>);

impl<'a> Members<'a> for Issuer<'_, 'a> {
    #[inline(always)]
    fn enter(
        &mut self,
        _walk: &Walk<'a>,
        _key: &'a str,
        _at: WalkPosition,
    ) -> Option<WalkPosition> {
        None
    }

    #[inline(always)]
    fn take(&mut self, key: &'a str, value: &'a str, marks: &'a [u32], _walked: bool) -> bool {
        self.0.note(key, Raw::exactly(value, marks), false);
        true
    }
}
