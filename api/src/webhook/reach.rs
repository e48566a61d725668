//! Where webhooks may go, and whatever else a tenant names: to the public internet. An admin of a tenant must not be able to make our server knock at doors
//! behind our own firewall (server-side request forgery). Names are judged when they are resolved, by the addresses that
//! are then connected to, so that a name that changes its mind gains nothing.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Client, Url, redirect};

use crate::auth::address::Network;
use crate::problem::Refusal;

/// An endpoint has that long to answer.
const PATIENCE: Duration = Duration::from_secs(15);

/// What a refused address is called in the log of deliveries.
pub const FORBIDDEN: &str = "the address is not on the public internet";

/// Says once for this process which library encrypts: the one that the database's connections use already.
pub fn encrypt() {
    // Fails only if it was said before.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// Which addresses are fine, and the client that keeps to it.
pub struct Reach {
    /// Private networks that the operator allows.
    allowed: Arc<[Network]>,
    client: OnceLock<Client>,
}

impl Reach {
    pub fn new(allowed: Vec<Network>) -> Self {
        encrypt();
        Reach { allowed: allowed.into(), client: OnceLock::new() }
    }

    /// An address that an endpoint may have.
    pub fn check(&self, url: &str) -> Result<Url, Refusal> {
        self.judge(url).map_err(|wrong| Refusal::invalid("/url", wrong))
    }

    /// An address that we may call; else what is wrong with it.
    pub fn judge(&self, url: &str) -> Result<Url, &'static str> {
        let url: Url = url.parse().map_err(|_| "Must be an address such as https://erp.example.com/waypost.")?;
        let private = !self.allowed.is_empty();
        match url.scheme() {
            "https" => {}
            "http" if private => {}
            _ => return Err("Must begin with https://."),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("Must hold no user name and no password.");
        }
        match literal(&url) {
            Some(address) if !permitted(address, &self.allowed) => Err(
                "Must be on the public internet. Whoever runs the server can allow a private network (WAYPOST_WEBHOOK_NETWORKS).",
            ),
            _ => Ok(url),
        }
    }

    /// No redirects, no proxies, no address that `check` would refuse.
    pub fn client(&self) -> Result<&Client, reqwest::Error> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let client = Client::builder()
            .dns_resolver(Guard(self.allowed.clone()))
            .redirect(redirect::Policy::none())
            .no_proxy()
            .timeout(PATIENCE)
            .user_agent(concat!("Waypost/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(self.client.get_or_init(|| client))
    }
}

/// Why there was no answer, in words that hold nothing of the address.
pub fn told(error: &reqwest::Error) -> &'static str {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    match () {
        () if cause.to_string() == FORBIDDEN => FORBIDDEN,
        () if error.is_timeout() => "no answer in time",
        () if error.is_connect() => "no connection: wrong name, nobody there, or a certificate that does not fit",
        () => "the connection broke before there was an answer",
    }
}

fn literal(url: &Url) -> Option<IpAddr> {
    url.host_str()?.trim_matches(['[', ']']).parse().ok()
}

struct Guard(Arc<[Network]>);

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let allowed = self.0.clone();
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let fine: Vec<SocketAddr> = found.filter(|found| permitted(found.ip(), &allowed)).collect();
            if fine.is_empty() { Err(FORBIDDEN.into()) } else { Ok(Box::new(fine.into_iter()) as Addrs) }
        })
    }
}

fn permitted(address: IpAddr, allowed: &[Network]) -> bool {
    let address = address.to_canonical();
    allowed.iter().any(|network| network.contains(address))
        || match address {
            IpAddr::V4(v4) => is_public_v4(v4),
            IpAddr::V6(v6) => is_public_v6(v6),
        }
}

/// By the registry of special addresses (IANA, RFC 6890).
fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_documentation()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && (18..20).contains(&b)))
}

/// The global unicast block without its special parts; an address that carries one of version 4 is judged by that.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let s = address.segments();
    let carried = |high: u16, low: u16| Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low));
    match s {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => is_public_v4(carried(high, low)),
        [0x2002, high, low, ..] => is_public_v4(carried(high, low)),
        [0x2001, second, ..] => second >= 0x200 && second != 0xdb8,
        [first, ..] => first & 0xe000 == 0x2000 && first != 0x3fff,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_public_internet() {
        let reach = Reach::new(Vec::new());
        for host in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "198.18.0.1",
            "2130706433",
            "0x7f.1",
            "[::1]",
            "[::]",
            "[fe80::1]",
            "[fc00::1]",
            "[ff02::1]",
            "[::ffff:10.0.0.1]",
            "[64:ff9b::a00:1]",
            "[2002:7f00:1::]",
            "[2001:db8::1]",
            "[2001::1]",
        ] {
            let refused = reach.check(&format!("https://{host}/hook"));
            assert!(refused.is_err(), "{host}");
        }
        for host in ["8.8.8.8", "[2606:4700:4700::1111]", "erp.example.com", "localhost"] {
            assert!(
                reach.check(&format!("https://{host}:8443/hook")).is_ok(),
                "{host}: a name is judged when it is resolved"
            );
        }
        for url in
            ["http://erp.example.com", "ftp://erp.example.com", "erp.example.com", "", "https://u:p@erp.example.com"]
        {
            assert!(reach.check(url).is_err(), "{url}");
        }
    }

    #[test]
    fn what_the_operator_allows() {
        let reach = Reach::new(vec!["10.0.0.0/8".parse().unwrap()]);
        assert!(reach.check("http://10.1.2.3/hook").is_ok());
        assert!(reach.check("https://192.168.1.1/hook").is_err());
    }

    #[tokio::test]
    async fn a_name_that_leads_home_is_not_followed() {
        let reach = Reach::new(Vec::new());
        let failed = reach.client().unwrap().get("https://localhost:1/hook").send().await.unwrap_err();
        let mut cause: &dyn std::error::Error = &failed;
        while let Some(deeper) = cause.source() {
            cause = deeper;
        }
        assert_eq!(cause.to_string(), FORBIDDEN);
    }
}
