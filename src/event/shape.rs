//! Whether an object is a CloudTrail record at all, and values that other writers shape differently.

use std::borrow::Cow;

use super::{Event, Key};

impl<'a> Event<'a> {
    /// True where the members are those of a CloudTrail record and not of something else.
    pub fn looks_like_a_record(&self) -> bool {
        let has = |key| !self.raw(key).is_absent();
        let named = has(Key::EventVersion)
            || has(Key::EventId)
            || (has(Key::EventName) && (has(Key::EventSource) || has(Key::EventTime)));
        named && !self.is_notification()
    }

    /// True where the members may be those of a CloudTrail record that lacks some, as they may in a list
    /// of records.
    pub fn may_be_a_record(&self) -> bool {
        const OWN: [Key; 6] = [
            Key::EventVersion,
            Key::EventId,
            Key::EventName,
            Key::EventSource,
            Key::EventTime,
            Key::EventType,
        ];
        OWN.iter().any(|key| !self.raw(*key).is_absent()) && !self.is_notification()
    }

    /// True for what AWS services send to functions, topics and queues in a list `Records` of their own:
    /// notifications of S3, batches of SQS, Kinesis and DynamoDB. Their source is `aws:s3`, where a record
    /// of CloudTrail has a service's name (Lambda developer guide, "Invoking Lambda with events from
    /// other AWS services").
    fn is_notification(&self) -> bool {
        self.raw(Key::EventSource).as_str().starts_with("\"aws:")
    }

    /// Where the call came from: `sourceIPAddress`, and of a list of addresses the first, which is the
    /// caller's; proxies stand behind it.
    pub fn source_ip(&self) -> Cow<'a, str> {
        match self.text(Key::SourceIpAddress) {
            Cow::Borrowed(text) => match text.split_once(',') {
                Some((first, _)) => Cow::Borrowed(first.trim()),
                None => Cow::Borrowed(text),
            },
            Cow::Owned(text) => match text.split_once(',') {
                Some((first, _)) => Cow::Owned(first.trim().to_owned()),
                None => Cow::Owned(text),
            },
        }
    }
}
