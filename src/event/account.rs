//! Which account and which service a record belongs to, in old records and in every partition.

use std::borrow::Cow;

use super::json::Value;
use super::{Event, Key};

/// The number under which the account of the log's key is remembered.
const LOG_ACCOUNT: usize = usize::MAX;

/// The account of a record that names none.
pub const UNKNOWN_ACCOUNT: &str = "unknown";

/// True for what stands in place of an account or of a principal where nobody signed the request:
/// `anonymous`, `ANONYMOUS_PRINCIPAL` and the like.
pub fn is_anonymous(text: &str) -> bool {
    const WORD: &str = "anonymous";
    let Some((word, rest)) = text.split_at_checked(WORD.len()) else {
        return false;
    };
    let rest = rest.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    word.eq_ignore_ascii_case(WORD)
        && ["", "principal", "user", "caller"]
            .iter()
            .any(|known| rest.eq_ignore_ascii_case(known))
}

impl<'a> Event<'a> {
    /// The account whose log this record is: `recipientAccountId`. In records without it the account in
    /// the log's key ([`Event::note_log_account`]), else the caller's, else that of a resource.
    pub fn account(&self) -> Cow<'a, str> {
        let recipient = self.text(Key::RecipientAccountId);
        if recipient.is_empty() {
            self.account_beside_the_recipient()
        } else {
            recipient
        }
    }

    #[inline(never)]
    fn account_beside_the_recipient(&self) -> Cow<'a, str> {
        let known = self.remembered.borrow();
        let noted = known.iter().find(|(number, _)| *number == LOG_ACCOUNT);
        if let Some((_, Some(Value::Text(account)))) = noted {
            return account.clone();
        }
        // who signed nothing has a word there and no account
        let caller = self.read(self.user().account_id());
        let caller = std::iter::once(caller).filter(|account| !is_anonymous(account));
        let resources = self.raw(Key::Resources).items();
        let owners = resources.map(|item| self.read(self.get(item, "accountId")));
        caller
            .chain(owners)
            .find(|account| !account.is_empty())
            .unwrap_or(Cow::Borrowed(UNKNOWN_ACCOUNT))
    }

    /// Notes the account in the log's key, for records without a recipient account.
    pub fn note_log_account(&self, account: &str) {
        if self.text(Key::RecipientAccountId).is_empty() {
            let account = Value::Text(Cow::Owned(account.to_owned()));
            self.set_derived(LOG_ACCOUNT, Some(account));
        }
    }

    /// True for a call of that service, `s3` for `s3.amazonaws.com` and `s3.amazonaws.com.cn`: China's
    /// service names end in another way.
    pub fn is_from(&self, service: &str) -> bool {
        self.service() == service
    }

    /// What stands before the first dot of `eventSource`.
    pub fn service(&self) -> Cow<'a, str> {
        let before_dot = |text: &str| memchr::memchr(b'.', text.as_bytes()).unwrap_or(text.len());
        match self.text(Key::EventSource) {
            Cow::Borrowed(text) => Cow::Borrowed(text.get(..before_dot(text)).unwrap_or(text)),
            Cow::Owned(mut text) => {
                text.truncate(before_dot(&text));
                Cow::Owned(text)
            }
        }
    }

    /// A fact that somebody derived from this record, derived once however often it is asked for.
    /// `fact` is the asker's own number for it.
    pub fn derived_cache(
        &self,
        fact: usize,
        derive: impl FnOnce() -> Option<Value<'a>>,
    ) -> Option<Value<'a>> {
        let known = self.remembered.borrow();
        if let Some((_, value)) = known.iter().find(|(number, _)| *number == fact) {
            return value.clone();
        }
        drop(known);
        let value = derive();
        self.remembered.borrow_mut().push((fact, value.clone()));
        value
    }

    /// Drops a fact, so that [`Event::derived_cache`] derives it again.
    pub fn forget(&self, fact: usize) {
        self.remembered
            .borrow_mut()
            .retain(|(number, _)| *number != fact);
    }

    /// Sets a fact that [`Event::derived_cache`] then returns.
    pub fn set_derived(&self, fact: usize, value: Option<Value<'a>>) {
        let mut known = self.remembered.borrow_mut();
        known.retain(|(number, _)| *number != fact);
        known.push((fact, value));
    }
}
