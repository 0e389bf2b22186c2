//! Networks: where a call came from, and what it opened to the internet.

use std::borrow::Cow;
use std::net::IpAddr;

use ipnet::IpNet;
use serde_json::Value as Json;

use super::parameters::{self, list, member, text};
use super::{Organization, omitted};
use crate::event::json::Value;
use crate::event::{Event, Key};

/// The network of the caller's address: 24 bits of IPv4, 48 of IPv6, what one site or one provider's
/// customer usually has. `None` if a service called: its name stands in place of the address.
pub fn of_source<'a>(event: &Event<'a>) -> Option<Value<'a>> {
    let text = event.source_ip();
    let address: IpAddr = text.parse().ok()?;
    let network = match (address, text.rsplit_once('.')) {
        // the usual form, quickly
        (IpAddr::V4(_), Some((site, _))) => [site, ".0/24"].concat(),
        _ => {
            let address = address.to_canonical();
            let bits = if address.is_ipv4() { 24 } else { 48 };
            IpNet::new(address, bits).ok()?.trunc().to_string()
        }
    };
    Some(Value::Text(Cow::Owned(network)))
}

/// Whether the caller's address lies in `networks.allowed`. `None` where a service called, whose name
/// stands for the address, and without that configuration.
pub fn is_allowed(event: &Event<'_>, organization: &Organization) -> Option<bool> {
    let allowed = &organization.allowed_networks;
    let address: IpAddr = event.source_ip().parse().ok()?;
    let address = address.to_canonical();
    let lies_in = || allowed.iter().any(|network| network.contains(&address));
    (!allowed.is_empty()).then(lies_in)
}

/// Ports for administration and of databases, caches and the like, which nobody opens to the internet on
/// purpose: FTP is not among them, nor are web servers.
const ADMIN_PORTS: [u16; 16] = [
    22, 23, 445, 1433, 1521, 2375, 3306, 3389, 5432, 5439, 5985, 5986, 6379, 9200, 11211, 27017,
];

/// How deep the rules of a request are looked for; EC2 nests them five levels deep.
const DEPTH: usize = 10;

/// What a call opens to all addresses of the internet: `admin` where a port of `ADMIN_PORTS` or every
/// port is among it, else `other`. `None` for calls that open nothing to all.
///
/// Calls and their shapes: EC2 API reference, AuthorizeSecurityGroupIngress (`ipPermissions`, or one rule
/// flat), ModifySecurityGroupRules, CreateNetworkAclEntry and ReplaceNetworkAclEntry; RDS, ElastiCache and
/// Redshift, whose security groups open a database and name no port.
pub fn opened(event: &Event<'_>) -> Option<&'static str> {
    let name = event.text(Key::EventName);
    let default = default_ports(&name)?;
    let request = event.raw(Key::RequestParameters);
    if !may_name_everywhere(request.as_str()) || omitted::request(event) {
        return None;
    }
    let parameters = parameters::of(event);
    if name.ends_with("NetworkAclEntry") && !allows_ingress(&parameters) {
        return None;
    }
    let mut opened = Vec::new();
    walk(&parameters, default, DEPTH, &mut |ports| opened.push(ports));
    match opened.iter().any(|ports| ports.is_admin()) {
        true => Some("admin"),
        false => (!opened.is_empty()).then_some("other"),
    }
}

/// True for the calls that may open something.
pub fn is_opening(name: &str) -> bool {
    default_ports(name).is_some()
}

/// The ports that a call opens where its rules name none; `None` for calls that open nothing.
fn default_ports(name: &str) -> Option<Ports> {
    match name {
        "AuthorizeSecurityGroupIngress"
        | "ModifySecurityGroupRules"
        | "CreateNetworkAclEntry"
        | "ReplaceNetworkAclEntry" => Some(Ports::default()),
        "AuthorizeDBSecurityGroupIngress"
        | "AuthorizeCacheSecurityGroupIngress"
        | "AuthorizeClusterSecurityGroupIngress" => Some(Ports::ALL),
        _ => None,
    }
}

/// False where no text of this JSON is everywhere: that ends in `/` and a number of at most 3, as few
/// networks do. What has escapes in it is left to whoever reads it.
fn may_name_everywhere(json: &str) -> bool {
    let bytes = json.as_bytes();
    let is_short = |at: usize| match bytes.get(at + 1..) {
        Some([b'1'..=b'3', next, ..]) => !next.is_ascii_digit(),
        Some([b'0'..=b'3', ..]) => true,
        _ => false,
    };
    memchr::memchr(b'\\', bytes).is_some() || memchr::memchr_iter(b'/', bytes).any(is_short)
}

/// True for an entry of a network ACL that lets traffic in.
fn allows_ingress(parameters: &Json) -> bool {
    let is = |name: &str, word: &str| {
        text(member(parameters, name)).is_some_and(|text| text.eq_ignore_ascii_case(word))
    };
    is("ruleAction", "allow") && !is("egress", "true")
}

/// What a rule lets through.
#[derive(Debug, Clone, Copy, Default)]
struct Ports {
    /// True for rules whose ports say nothing: ICMP, ESP and the like.
    portless: bool,
    from: Option<i64>,
    to: Option<i64>,
}

impl Ports {
    const ALL: Self = Self {
        portless: false,
        from: None,
        to: None,
    };

    /// These, or what an object says of its own.
    fn or_of(self, object: &Json) -> Self {
        let number = |name: &str| text(member(object, name))?.trim().parse::<i64>().ok();
        let range = member(object, "portRange");
        let in_range = |name: &str| text(member(range, name))?.trim().parse::<i64>().ok();
        let protocol = ["ipProtocol", "aclProtocol", "protocol"];
        let protocol = protocol.iter().find_map(|name| text(member(object, name)));
        let is_all = |protocol: &Cow<'_, str>| {
            let all = ["-1", "all"];
            all.iter().any(|all| protocol.eq_ignore_ascii_case(all))
        };
        if protocol.as_ref().is_some_and(is_all) {
            return Self::ALL;
        }
        let portless = protocol.map(|protocol| {
            let known = ["tcp", "6", "udp", "17"];
            !known
                .iter()
                .any(|known| protocol.eq_ignore_ascii_case(known))
        });
        Self {
            portless: portless.unwrap_or(self.portless),
            from: number("fromPort")
                .or_else(|| in_range("from"))
                .or(self.from),
            to: number("toPort").or_else(|| in_range("to")).or(self.to),
        }
    }

    /// True where a port for administration lies in the range. A range without ends, or from -1 on, is
    /// that of all ports.
    fn is_admin(self) -> bool {
        if self.portless {
            return false;
        }
        let from = self.from.filter(|port| *port >= 0).unwrap_or(0);
        let to = self.to.filter(|port| *port >= 0);
        let to = to.unwrap_or(match self.from {
            Some(from) if from >= 0 => from,
            _ => i64::from(u16::MAX),
        });
        ADMIN_PORTS
            .iter()
            .any(|port| (from..=to).contains(&i64::from(*port)))
    }
}

/// Calls `found` for every rule below a value that names all addresses of the internet.
fn walk(value: &Json, ports: Ports, depth: usize, found: &mut dyn FnMut(Ports)) {
    let Some(depth) = depth.checked_sub(1) else {
        return;
    };
    match value {
        Json::Array(items) => items.iter().for_each(|one| walk(one, ports, depth, found)),
        Json::Object(members) => {
            let ports = ports.or_of(value);
            const RANGES: [&str; 7] = [
                "cidrIp",
                "cidrIpv4",
                "cidrIpv6",
                "cidrBlock",
                "ipv6CidrBlock",
                "ipRanges",
                "ipv6Ranges",
            ];
            for (name, inner) in members {
                let is_range = RANGES.iter().any(|range| name.eq_ignore_ascii_case(range));
                let mut texts = list(inner).iter().filter_map(Json::as_str);
                if is_range && texts.any(is_everywhere) {
                    found(ports);
                }
                walk(inner, ports, depth, found);
            }
        }
        _ => {}
    }
}

/// True for all addresses of the internet, or a half of them. All that IPv6 gives out lies in `2000::/3`.
fn is_everywhere(cidr: &str) -> bool {
    match cidr.trim().parse::<IpNet>() {
        Ok(IpNet::V4(network)) => network.prefix_len() <= 1,
        Ok(IpNet::V6(network)) => network.prefix_len() <= 3,
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use crate::derive::Organization;
    use crate::derive::tests::{ask, plain};

    fn opened(call: &str, parameters: &Json) -> String {
        let record = json!({"eventVersion": "1.11", "eventSource": "ec2.amazonaws.com", "eventName": call, "requestParameters": parameters});
        plain("trailscan.network_opened", &record.to_string())
    }

    /// A security group rule, as EC2 nests it.
    fn rule(from: &Json, to: &Json, protocol: &str, cidr: &str) -> Json {
        let (list, name) = match cidr.contains(':') {
            true => ("ipv6Ranges", "cidrIpv6"),
            false => ("ipRanges", "cidrIp"),
        };
        let mut rule = json!({"ipProtocol": protocol, "groups": {}, "prefixListIds": {}});
        rule[list] = json!({"items": [{name: cidr, "description": "x"}]});
        if !from.is_null() {
            rule["fromPort"] = from.clone();
            rule["toPort"] = to.clone();
        }
        json!({"groupId": "sg-1", "ipPermissions": {"items": [rule]}})
    }

    #[test]
    fn only_json_that_may_name_everywhere_is_read() {
        let may = super::may_name_everywhere;
        for text in [
            "0.0.0.0/0",
            "::/0",
            "128.0.0.0/1",
            "2000::/3",
            "0.0.0.0/00",
            "::/3 ",
        ] {
            assert!(may(&format!(r#"{{"cidrIp":"{text}"}}"#)), "{text}");
        }
        assert!(may(r#"{"cidrIp":"0.0.0.0\/0"}"#) && may(r#"{"cidrIp":"0.0.0.0\u002f0"}"#));
        for text in [
            "10.0.0.0/8",
            "192.0.2.0/24",
            "192.0.2.1/32",
            "10.0.0.0/16",
            "a/b",
        ] {
            assert!(!may(&format!(r#"{{"cidrIp":"{text}"}}"#)), "{text}");
        }
    }

    #[test]
    fn ports_open_to_the_internet_are_classified() {
        let open = |from: i64, to: i64, protocol, cidr| {
            opened(
                "AuthorizeSecurityGroupIngress",
                &rule(&json!(from), &json!(to), protocol, cidr),
            )
        };
        for port in super::ADMIN_PORTS {
            let port = i64::from(port);
            assert_eq!(open(port, port, "tcp", "0.0.0.0/0"), "admin", "{port}");
            assert_eq!(
                open(port + 1000, port + 1000, "tcp", "0.0.0.0/0"),
                "other",
                "{port}"
            );
        }
        assert_eq!(open(0, 65535, "tcp", "0.0.0.0/0"), "admin");
        assert_eq!(open(20, 30, "tcp", "::/0"), "admin");
        assert_eq!(open(443, 443, "tcp", "::/0"), "other");
        assert_eq!(open(22, 22, "tcp", "2000::/3"), "admin");
        assert_eq!(open(22, 22, "6", "128.0.0.0/1"), "admin");
        assert_eq!(open(22, 22, "tcp", "0.0.0.0/16"), "");
        assert_eq!(open(22, 22, "tcp", "10.0.0.0/8"), "");
        assert_eq!(open(22, 22, "tcp", "2001:db8::/32"), "");
        assert_eq!(open(-1, -1, "icmp", "0.0.0.0/0"), "other");
        assert_eq!(open(8, 0, "1", "0.0.0.0/0"), "other");
        assert_eq!(
            open(443, 443, "-1", "0.0.0.0/0"),
            "admin",
            "all protocols have all ports"
        );
        let no_ports = rule(&Json::Null, &Json::Null, "-1", "0.0.0.0/0");
        assert_eq!(opened("AuthorizeSecurityGroupIngress", &no_ports), "admin");
        let as_text = rule(&json!("22"), &json!("22"), "tcp", "0.0.0.0/0");
        assert_eq!(opened("AuthorizeSecurityGroupIngress", &as_text), "admin");
        assert_eq!(opened("AuthorizeSecurityGroupEgress", &as_text), "");
        assert_eq!(opened("RevokeSecurityGroupIngress", &as_text), "");
    }

    #[test]
    fn every_shape_of_a_rule_is_read() {
        for (call, parameters, expected) in [
            (
                "AuthorizeSecurityGroupIngress",
                json!({"cidrIp": "0.0.0.0/0", "fromPort": 22, "toPort": 22, "ipProtocol": "tcp"}),
                "admin",
            ),
            (
                "AuthorizeSecurityGroupIngress",
                json!({"cidrIp": "203.0.113.0/24", "fromPort": 22, "toPort": 22, "ipProtocol": "tcp"}),
                "",
            ),
            (
                "AuthorizeSecurityGroupIngress",
                json!({"ipPermissions": [{"fromPort": 80, "toPort": 80, "ipProtocol": "tcp", "ipRanges": [{"cidrIp": "0.0.0.0/0"}]}]}),
                "other",
            ),
            // of several rules, one with web ports and one from the office
            (
                "AuthorizeSecurityGroupIngress",
                json!({"ipPermissions": {"items": [
                    {"fromPort": 443, "toPort": 443, "ipProtocol": "tcp", "ipRanges": {"items": [{"cidrIp": "0.0.0.0/0"}]}},
                    {"fromPort": 22, "toPort": 22, "ipProtocol": "tcp", "ipRanges": {"items": [{"cidrIp": "203.0.113.0/24"}]}}
                ]}}),
                "other",
            ),
            (
                "ModifySecurityGroupRules",
                json!({"ModifySecurityGroupRulesRequest": {"GroupId": "sg-1", "SecurityGroupRule": {"SecurityGroupRuleId": "sgr-1", "tag": 1, "SecurityGroupRule": {"CidrIpv4": "0.0.0.0/0", "FromPort": 3389, "ToPort": 3389, "IpProtocol": "tcp"}}}}),
                "admin",
            ),
            (
                "ModifySecurityGroupRules",
                json!({"ModifySecurityGroupRulesRequest": {"SecurityGroupRule": [{"SecurityGroupRule": {"CidrIpv6": "::/0", "FromPort": 443, "ToPort": 443, "IpProtocol": "tcp"}}]}}),
                "other",
            ),
            (
                "CreateNetworkAclEntry",
                json!({"cidrBlock": "0.0.0.0/0", "egress": false, "ruleAction": "allow", "aclProtocol": "-1", "portRange": {"from": -1, "to": -1}}),
                "admin",
            ),
            (
                "CreateNetworkAclEntry",
                json!({"ipv6CidrBlock": "::/0", "egress": false, "ruleAction": "allow", "aclProtocol": "6", "portRange": {"from": 443, "to": 443}}),
                "other",
            ),
            (
                "ReplaceNetworkAclEntry",
                json!({"cidrBlock": "0.0.0.0/0", "egress": false, "ruleAction": "allow", "protocol": "6", "portRange": {"from": 22, "to": 22}}),
                "admin",
            ),
            (
                "CreateNetworkAclEntry",
                json!({"cidrBlock": "0.0.0.0/0", "egress": true, "ruleAction": "allow", "aclProtocol": "-1"}),
                "",
            ),
            (
                "CreateNetworkAclEntry",
                json!({"cidrBlock": "0.0.0.0/0", "egress": false, "ruleAction": "deny", "aclProtocol": "-1"}),
                "",
            ),
            (
                "CreateNetworkAclEntry",
                json!({"cidrBlock": "111.111.111.111/32", "egress": false, "ruleAction": "allow", "aclProtocol": "6"}),
                "",
            ),
            (
                "AuthorizeDBSecurityGroupIngress",
                json!({"dBSecurityGroupName": "g", "cIDRIP": "0.0.0.0/0"}),
                "admin",
            ),
            (
                "AuthorizeDBSecurityGroupIngress",
                json!({"dBSecurityGroupName": "g", "cIDRIP": "198.51.100.7/32"}),
                "",
            ),
            (
                "AuthorizeClusterSecurityGroupIngress",
                json!({"cIDRIP": "0.0.0.0/0"}),
                "admin",
            ),
        ] {
            assert_eq!(opened(call, &parameters), expected, "{call} {parameters}");
        }
    }

    #[test]
    fn an_address_lies_in_an_allowed_network_or_not() {
        let organization = Organization {
            allowed_networks: vec![
                "198.51.100.0/24".parse().unwrap(),
                "2001:db8::/32".parse().unwrap(),
            ],
            ..Default::default()
        };
        let allowed = |address: &str, organization: &Organization| {
            let text = format!(r#"{{"eventVersion":"1.11","sourceIPAddress":"{address}"}}"#);
            ask("trailscan.network_allowed", &text, organization)
        };
        for (address, expected) in [
            ("198.51.100.7", "true"),
            ("198.51.101.7", "false"),
            ("::ffff:198.51.100.7", "true"),
            ("2001:db8::1", "true"),
            ("2001:db9::1", "false"),
            ("cloudtrail.amazonaws.com", ""),
            ("AWS Internal", ""),
            ("", ""),
        ] {
            assert_eq!(allowed(address, &organization), expected, "{address}");
            assert_eq!(allowed(address, &Organization::default()), "", "{address}");
        }
    }
}
