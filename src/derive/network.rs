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
/// customer usually has. Nothing where a service called, whose name stands for the address.
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

/// What a call opens to all addresses of the internet: `admin` where a port of [`ADMIN_PORTS`] or every
/// port is among it, else `other`. `None` for calls that open nothing to all.
///
/// Calls and their shapes: EC2 API reference, AuthorizeSecurityGroupIngress (`ipPermissions`, or one rule
/// flat), ModifySecurityGroupRules, CreateNetworkAclEntry and ReplaceNetworkAclEntry; RDS, ElastiCache and
/// Redshift, whose security groups open a database and name no port.
pub fn opened(event: &Event<'_>) -> Option<&'static str> {
    let name = event.text(Key::EventName);
    let default = match name.as_ref() {
        "AuthorizeSecurityGroupIngress"
        | "ModifySecurityGroupRules"
        | "CreateNetworkAclEntry"
        | "ReplaceNetworkAclEntry" => Ports::default(),
        "AuthorizeDBSecurityGroupIngress"
        | "AuthorizeCacheSecurityGroupIngress"
        | "AuthorizeClusterSecurityGroupIngress" => Ports::ALL,
        _ => return None,
    };
    if omitted::request(event) {
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
