//! The HIPAA Security Rule as far as CloudTrail can speak to it: 45 CFR part 164 as in force since
//! 2013, as data. The 2025 proposal (90 FR 898) is not law and is not here.

use serde::Serialize;

/// One standard or implementation specification.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Citation {
    /// `164.312(b)`
    pub section: &'static str,
    /// The CFR's own heading.
    pub title: &'static str,
    /// Required, addressable, or a standard without choice.
    pub class: Class,
    /// What CloudTrail cannot show, in one sentence.
    pub limits: &'static str,
}

/// How binding it is. "Addressable" is not optional: an alternative must be documented
/// (164.306(d)(3)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    Standard,
    Required,
    Addressable,
}

impl Class {
    /// The letter auditors use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "Standard",
            Self::Required => "Required",
            Self::Addressable => "Addressable",
        }
    }
}

const fn citation(
    section: &'static str,
    title: &'static str,
    class: Class,
    limits: &'static str,
) -> Citation {
    Citation {
        section,
        title,
        class,
        limits,
    }
}

/// In the order of the report: activity review first, then those the sample policies cite, then by
/// section.
pub const CATALOGUE: &[Citation] = &[
    citation(
        "164.308(a)(1)(ii)(D)",
        "Information system activity review",
        Class::Required,
        "Only the AWS control plane and the data events that are switched on; nothing of the EHR, the application, SaaS or endpoints, nor whether a human really read this report.",
    ),
    citation(
        "164.312(b)",
        "Audit controls",
        Class::Standard,
        "SQL statements, object content, application reads by patient, lifecycle deletes, and the keys of batch deletes.",
    ),
    citation(
        "164.312(a)(1)",
        "Access control",
        Class::Standard,
        "The full set of current rights, rights inside databases and applications, and approvals.",
    ),
    citation(
        "164.312(a)(2)(i)",
        "Unique user identification",
        Class::Required,
        "Which human used a shared key, a workload role or a presigned URL.",
    ),
    citation(
        "164.308(a)(4)(ii)(C)",
        "Access establishment and modification",
        Class::Addressable,
        "The recertification decision, which is recorded in the sign-off and not in the log.",
    ),
    citation(
        "164.308(a)(3)(ii)(A)",
        "Authorization and/or supervision",
        Class::Addressable,
        "The request and its approval, and physical locations.",
    ),
    citation(
        "164.308(a)(1)(ii)(B)",
        "Risk management",
        Class::Required,
        "Decisions, acceptance levels and budget.",
    ),
    citation(
        "164.308(a)(3)(i)",
        "Workforce security",
        Class::Standard,
        "Job descriptions, and rights that are held but not used.",
    ),
    citation(
        "164.308(a)(3)(ii)(B)",
        "Workforce clearance procedure",
        Class::Addressable,
        "The clearance itself.",
    ),
    citation(
        "164.308(a)(3)(ii)(C)",
        "Termination procedures",
        Class::Addressable,
        "The time of termination, accounts outside AWS, and badges.",
    ),
    citation(
        "164.308(a)(4)(i)",
        "Information access management",
        Class::Standard,
        "Need-to-know, and which patient.",
    ),
    citation(
        "164.308(a)(4)(ii)(B)",
        "Access authorization",
        Class::Addressable,
        "Approvals.",
    ),
    citation(
        "164.308(a)(5)(ii)(B)",
        "Protection from malicious software",
        Class::Addressable,
        "Malware itself, hosts and endpoints.",
    ),
    citation(
        "164.308(a)(5)(ii)(C)",
        "Log-in monitoring",
        Class::Addressable,
        "Log-ins to the identity provider, VPN, operating systems, databases and applications.",
    ),
    citation(
        "164.308(a)(5)(ii)(D)",
        "Password management",
        Class::Addressable,
        "Password quality, and passwords outside AWS.",
    ),
    citation(
        "164.308(a)(6)(ii)",
        "Response and reporting",
        Class::Required,
        "Decisions, communications and actions outside AWS.",
    ),
    citation(
        "164.308(a)(7)(i)",
        "Contingency plan",
        Class::Standard,
        "The plan.",
    ),
    citation(
        "164.308(a)(7)(ii)(A)",
        "Data backup plan",
        Class::Required,
        "Whether a backup is complete or usable.",
    ),
    citation(
        "164.310(d)(1)",
        "Device and media controls",
        Class::Standard,
        "Physical media.",
    ),
    citation(
        "164.310(d)(2)(i)",
        "Disposal",
        Class::Required,
        "Sanitization of hardware.",
    ),
    citation(
        "164.312(a)(2)(ii)",
        "Emergency access procedure",
        Class::Required,
        "Whether it was an emergency, and emergency access inside applications.",
    ),
    citation(
        "164.312(a)(2)(iii)",
        "Automatic logoff",
        Class::Addressable,
        "Idle time: AWS sessions end by age.",
    ),
    citation(
        "164.312(a)(2)(iv)",
        "Encryption and decryption",
        Class::Addressable,
        "Objects made before the logs begin, and encryption inside the application.",
    ),
    citation(
        "164.312(c)(1)",
        "Integrity",
        Class::Standard,
        "Whether content changed improperly, row-level changes, and lifecycle expirations.",
    ),
    citation(
        "164.312(c)(2)",
        "Mechanism to authenticate electronic protected health information",
        Class::Addressable,
        "Log validation proves the logs, not the ePHI.",
    ),
    citation(
        "164.312(d)",
        "Person or entity authentication",
        Class::Standard,
        "MFA at the identity provider, identity proofing, and application log-in.",
    ),
    citation(
        "164.312(e)(1)",
        "Transmission security",
        Class::Standard,
        "Traffic itself: TLS facts cover AWS API calls only.",
    ),
    citation(
        "164.312(e)(2)(i)",
        "Integrity controls",
        Class::Addressable,
        "Everything outside AWS API calls.",
    ),
    citation(
        "164.312(e)(2)(ii)",
        "Encryption",
        Class::Addressable,
        "Actual application traffic.",
    ),
    citation(
        "164.316(b)(2)(i)",
        "Time limit",
        Class::Required,
        "The rule speaks of documentation, not literally of raw logs.",
    ),
];

/// The citation that a Sigma tag names: `hipaa.164.312.a.2.i` is 164.312(a)(2)(i). Letters are
/// compared without case, because Sigma writes tags in lower case.
pub fn from_tag(tag: &str) -> Option<&'static Citation> {
    let wanted = tag.strip_prefix("hipaa.")?;
    CATALOGUE.iter().find(|citation| {
        // every parenthesis that opens stands for a dot, and one that closes for nothing
        let dotted = citation.section.bytes().filter(|byte| *byte != b')');
        let dotted = dotted.map(|byte| match byte {
            b'(' => b'.',
            byte => byte.to_ascii_lowercase(),
        });
        dotted.eq(wanted.bytes().map(|byte| byte.to_ascii_lowercase()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_name_citations() {
        assert_eq!(from_tag("hipaa.164.312.b").unwrap().title, "Audit controls");
        assert_eq!(
            from_tag("hipaa.164.308.a.1.ii.d").unwrap().section,
            "164.308(a)(1)(ii)(D)"
        );
        assert!(from_tag("hipaa.164.312.z").is_none());
        assert!(from_tag("attack.t1078").is_none());
    }

    #[test]
    fn no_section_stands_twice() {
        let mut sections: Vec<_> = CATALOGUE.iter().map(|c| c.section).collect();
        sections.sort_unstable();
        sections.dedup();
        assert_eq!(sections.len(), CATALOGUE.len());
    }
}
