//! Whose address a request comes from: the peer's, or the one that a trusted proxy vouches for.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use poem::Request;
use poem::http::{HeaderMap, HeaderName};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// An IP network: `10.0.0.0/8`, or a single address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    base: IpAddr,
    /// Leading bits that count.
    length: u32,
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no IP address or network such as 10.0.0.0/8");
        let (base, length) = text.split_once('/').map_or((text, None), |(base, length)| (base, Some(length)));
        let base: IpAddr = base.trim().parse().map_err(|_| wrong())?;
        let most = bits(base).1;
        let length = length.map_or(Ok(most), |l| l.trim().parse().map_err(|_| wrong()))?;
        if length <= most { Ok(Network { base, length }) } else { Err(wrong()) }
    }
}

impl Network {
    pub fn contains(&self, address: IpAddr) -> bool {
        let ((own, width), (other, other_width)) = (bits(self.base), bits(address));
        width == other_width && (own ^ other).checked_shr(width - self.length).unwrap_or(0) == 0
    }
}

/// The address as a number, and its width in bits.
fn bits(address: IpAddr) -> (u128, u32) {
    match address {
        IpAddr::V4(v4) => (u128::from(v4.to_bits()), 32),
        IpAddr::V6(v6) => (v6.to_bits(), 128),
    }
}

/// What guesses are counted by: an IPv4 address, the /64 of an IPv6 address (one customer has at least that), or
/// `unknown` for a peer without an IP address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address(String);

impl Address {
    pub fn of(request: &Request, trusted: &[Network]) -> Self {
        let peer = request.remote_addr().as_socket_addr().map(SocketAddr::ip);
        peer.map_or_else(|| Address("unknown".into()), |peer| client(peer, request.headers(), trusted).into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<IpAddr> for Address {
    fn from(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(v4) => Address(v4.to_string()),
            IpAddr::V6(v6) => Address(format!("{}/64", Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64))),
        }
    }
}

/// Walks back from the peer as long as it stands on trusted ground. What a stranger wrote into the header is to the
/// left of the hop that a trusted proxy added, and is never reached.
fn client(peer: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> IpAddr {
    let mut client = peer.to_canonical();
    let hops: Vec<&str> =
        headers.get_all(X_FORWARDED_FOR).iter().flat_map(|v| v.to_str().unwrap_or("").split(',')).collect();
    for hop in hops.iter().rev() {
        if !trusted.iter().any(|network| network.contains(client)) {
            break;
        }
        let Some(address) = ip(hop.trim()) else { break };
        client = address.to_canonical();
    }
    client
}

/// A hop, which some proxies write with its port.
fn ip(hop: &str) -> Option<IpAddr> {
    hop.parse().ok().or_else(|| hop.parse().map(|socket: SocketAddr| socket.ip()).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn a_network_contains_its_addresses() {
        for (network, address, inside) in [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.1.2.3", "10.1.2.3", true),
            ("10.1.2.3", "10.1.2.4", false),
            ("0.0.0.0/0", "203.0.113.9", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("fd00::/8", "fd12::1", true),
            ("::/0", "2001:db8::1", true),
        ] {
            let parsed: Network = network.parse().expect("a network");
            assert_eq!(parsed.contains(ip(address)), inside, "{network} {address}");
        }
        for bad in ["", "10.0.0.0/33", "10.0.0/8", "example.com", "::/129", "10.0.0.0/-1"] {
            assert!(bad.parse::<Network>().is_err(), "{bad}");
        }
    }

    #[test]
    fn only_a_trusted_proxy_is_believed() {
        let trusted = ["10.0.0.0/8".parse().expect("a network")];
        for (peer, forwarded, expected) in [
            ("203.0.113.9", &["198.51.100.1"][..], "203.0.113.9"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", &["6.6.6.6, 198.51.100.1, 10.0.0.2"], "198.51.100.1"),
            ("10.0.0.1", &["6.6.6.6", "198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", &["198.51.100.1:4711"], "198.51.100.1"),
            ("10.0.0.1", &["[2001:db8::1]:4711"], "2001:db8::1"),
            ("10.0.0.1", &["6.6.6.6, nonsense, 10.0.0.2"], "10.0.0.2"),
            ("::ffff:10.0.0.1", &["198.51.100.1"], "198.51.100.1"),
        ] {
            let mut headers = HeaderMap::new();
            for value in forwarded {
                headers.append(X_FORWARDED_FOR, value.parse().expect("a header"));
            }
            assert_eq!(client(ip(peer), &headers, &trusted), ip(expected), "{peer} {forwarded:?}");
        }
    }

    #[test]
    fn an_ipv6_customer_is_one_address() {
        let of = |text| Address::from(ip(text));
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:1"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("198.51.100.1").as_str(), "198.51.100.1");
    }
}
