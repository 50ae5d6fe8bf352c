//! The resolvers that are asked.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{
    ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts,
};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use muster::config::SettingError;

/// The variable with the addresses of the resolvers, separated by commas, each with a port unless it is 53.
pub const DOMAIN_RESOLVERS: &str = "DOMAIN_RESOLVERS";
/// Its default: resolvers of Cloudflare, Google and Quad9. All of them validate DNSSEC.
pub const DEFAULT_DOMAIN_RESOLVERS: &str = "1.1.1.1,8.8.8.8,9.9.9.9";

/// The port of DNS.
const PORT: u16 = 53;
/// How long a resolver has for one attempt, over UDP or over TCP.
const ATTEMPT: Duration = Duration::from_millis(1_500);
/// How long a resolver has in all.
pub(crate) const LIMIT: Duration = Duration::from_secs(4);

/// Several resolvers, which are asked independently of each other.
#[derive(Clone)]
pub struct Resolvers {
    pub(crate) resolvers: Vec<TokioResolver>,
    pub(crate) limit: Duration,
}

impl std::fmt::Debug for Resolvers {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Resolvers")
            .field("count", &self.resolvers.len())
            .finish_non_exhaustive()
    }
}

impl Resolvers {
    /// Reads the addresses from [`DOMAIN_RESOLVERS`]. Asks nothing over the network.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, SettingError> {
        let addresses = variable(DOMAIN_RESOLVERS).filter(|addresses| !addresses.is_empty());
        let addresses = addresses.unwrap_or_else(|| DEFAULT_DOMAIN_RESOLVERS.to_owned());
        let addresses = addresses.split(',').map(|address| {
            let address = address.trim();
            let with_port = address.parse();
            with_port.or_else(|_| Ok(SocketAddr::new(address.parse::<IpAddr>()?, PORT)))
        });
        let addresses = addresses.collect::<Result<Vec<_>, std::net::AddrParseError>>();
        let addresses = addresses.map_err(|_| SettingError {
            variable: DOMAIN_RESOLVERS,
            problem: "must be IP addresses separated by commas, each with a port unless it is 53"
                .to_owned(),
        })?;
        Self::at(&addresses, LIMIT).map_err(|problem| SettingError {
            variable: DOMAIN_RESOLVERS,
            problem,
        })
    }

    /// Creates resolvers at these addresses. Each has `limit` to answer.
    pub(crate) fn at(addresses: &[SocketAddr], limit: Duration) -> Result<Self, String> {
        let resolvers = addresses.iter().map(|address| resolver(*address));
        Ok(Self {
            resolvers: resolvers.collect::<Result<_, _>>()?,
            limit,
        })
    }
}

fn resolver(address: SocketAddr) -> Result<TokioResolver, String> {
    let mut server = NameServerConfig::udp_and_tcp(address.ip());
    for connection in &mut server.connections {
        let ConnectionConfig { port, .. } = connection;
        *port = address.port();
    }
    let config = ResolverConfig::from_parts(None, Vec::new(), vec![server]);
    let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
    let options: &mut ResolverOpts = builder.options_mut();
    options.attempts = 1;
    options.timeout = ATTEMPT;
    // A record that was just published must be found at the next attempt.
    options.cache_size = 0;
    options.use_hosts_file = ResolveHosts::Never;
    options.edns0 = true;
    builder.build().map_err(|error| error.to_string())
}
