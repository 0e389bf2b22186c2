//! The evidence of an event that a rule matched.

use crate::derive::{Derived, Organization, identity};
use crate::event::json::Value;
use crate::event::{Event, Key};
use crate::finding::GROUP_SEPARATOR;
use crate::interner::{Interner, Symbol};
use crate::rules::{Field, Rule};
use crate::tally::{Caller, EvidenceFields, ObjectScan, SourceIp, Usage, number};

/// The last evidence of one caller. Its next events are much like it, and comparing two texts is
/// faster than looking one up.
#[derive(Debug, Clone, Default)]
pub(super) struct CallerCache {
    fact: EvidenceFields,
    /// Its index among the facts, once it is complete.
    place: Option<u32>,
}

/// The evidence of an event that a rule matched; each part is computed once.
pub(super) struct EventFacts<'e, 'a> {
    event: &'e Event<'a>,
    organization: &'e Organization,
    caller: Symbol,
    last: &'e mut CallerCache,
    fact: Option<u32>,
    principal: Option<Symbol>,
    actor: Option<Symbol>,
    resource: Option<Symbol>,
    source_ip: Option<SourceIp>,
}

impl<'e, 'a> EventFacts<'e, 'a> {
    /// Computes nothing yet; `last` is the last evidence of the same caller.
    pub(super) const fn new(
        event: &'e Event<'a>,
        organization: &'e Organization,
        caller: Symbol,
        last: &'e mut CallerCache,
    ) -> Self {
        Self {
            event,
            organization,
            caller,
            last,
            fact: None,
            principal: None,
            actor: None,
            resource: None,
            source_ip: None,
        }
    }

    /// The actor and resource of a finding: what the rule says, else the principal and the target.
    #[inline]
    pub(super) fn actor_and_resource(
        &mut self,
        rule: &Rule,
        names: &mut Interner,
    ) -> (Symbol, Symbol) {
        let actor = match &rule.actor {
            Some(field) => self.field(field, names),
            None => self.actor(names),
        };
        let resource = match &rule.resource {
            Some(field) => self.field(field, names),
            None => self.target(names),
        };
        (actor, resource)
    }

    #[inline]
    fn actor(&mut self, names: &mut Interner) -> Symbol {
        if let Some(actor) = self.actor {
            return actor;
        }
        let actor = match identity::is_actor_the_caller(self.event) {
            true => self.caller,
            false => self.principal(names),
        };
        *self.actor.insert(actor)
    }

    fn target(&mut self, names: &mut Interner) -> Symbol {
        // rules have asked for it before, as a field
        *self.resource.get_or_insert_with(|| {
            let target = Derived::Target.value(self.event, self.organization);
            let text = target.as_ref().and_then(Value::as_text);
            names.intern_hint(&mut self.last.fact.target, &text.unwrap_or_default())
        })
    }

    /// The target is another from now on: a call may name several.
    pub(super) const fn retarget(&mut self) {
        self.resource = None;
        self.fact = None;
    }

    fn principal(&mut self, names: &mut Interner) -> Symbol {
        *self.principal.get_or_insert_with(|| {
            let last = &mut self.last.fact.principal;
            let caller = identity::caller(self.event);
            match identity::session(self.event) {
                Some(session) => names.intern_parts_hint(last, &[&caller, "/", &session]),
                None => names.intern_hint(last, &caller),
            }
        })
    }

    /// Who called, from where, and with which key.
    pub(super) fn caller(&mut self, names: &mut Interner) -> Caller {
        let access_key = self.event.read(self.event.user().access_key_id());
        Caller {
            name: self.actor(names),
            source_ip: self.source_ip(names),
            access_key: names.intern_hint(&mut self.last.fact.access_key, &access_key),
        }
    }

    /// Who called from where, with which key and agent.
    pub(super) fn usage(&mut self, names: &mut Interner) -> Usage {
        let caller = self.caller(names);
        let agent = self.event.text(Key::UserAgent);
        Usage {
            principal: self.principal(names),
            source_ip: caller.source_ip,
            access_key: caller.access_key,
            user_agent: names.intern_hint(&mut self.last.fact.user_agent, &agent),
        }
    }

    fn source_ip(&mut self, names: &mut Interner) -> SourceIp {
        *self.source_ip.get_or_insert_with(|| {
            let source_ip = SourceIp::of(&self.event.source_ip(), names);
            self.last.fact.source_ip = source_ip;
            source_ip
        })
    }

    fn field(&self, field: &Field, names: &mut Interner) -> Symbol {
        let mut name = Interner::EMPTY;
        field.first(self.event, self.organization, &mut |text| {
            name = names.id(text);
        });
        name
    }

    /// The values of the fields to group by; `None` if one is missing.
    #[inline]
    pub(super) fn group(
        &self,
        fields: &[Field],
        buffer: &mut String,
        names: &mut Interner,
    ) -> Option<Symbol> {
        buffer.clear();
        for (place, field) in fields.iter().enumerate() {
            if place > 0 {
                buffer.push(GROUP_SEPARATOR);
            }
            let before = buffer.len();
            field.first(self.event, self.organization, &mut |text| {
                buffer.push_str(text);
            });
            if buffer.len() == before {
                return None;
            }
        }
        Some(names.id(buffer))
    }

    pub(super) fn joined(&self, fields: &[Field], names: &mut Interner) -> Symbol {
        match fields {
            [] => Interner::EMPTY,
            [field] => self.field(field, names),
            fields => {
                let values: Vec<String> = fields
                    .iter()
                    .map(|field| field.text(self.event, self.organization))
                    .collect();
                if values.iter().all(String::is_empty) {
                    return Interner::EMPTY;
                }
                names.id(&values.join("\u{1f}"))
            }
        }
    }

    /// The facts for the report, once an event, and once for events of a caller that follow each other
    /// and are alike in all of them.
    pub(super) fn fact(&mut self, scanned: &mut ObjectScan) -> u32 {
        if let Some(fact) = self.fact {
            return fact;
        }
        let names = &mut scanned.names;
        self.target(names);
        self.caller(names);
        self.principal(names);
        let last = &mut self.last.fact;
        let texts = [
            (&mut last.user_agent, Key::UserAgent),
            (&mut last.error_code, Key::ErrorCode),
            (&mut last.error_message, Key::ErrorMessage),
        ];
        for (last, key) in texts {
            names.intern_hint(last, &self.event.text(key));
        }
        let place = self
            .last
            .place
            .filter(|place| scanned.facts.get(*place as usize) == Some(&self.last.fact));
        let place = place.unwrap_or_else(|| {
            scanned.facts.push(self.last.fact);
            number(scanned.facts.len() - 1)
        });
        self.last.place = Some(place);
        *self.fact.insert(place)
    }
}
