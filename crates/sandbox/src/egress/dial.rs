//! From a target to a connection: may it be reached, what is its address, may that be reached.
//! Invariant: a name is looked up once and only if it is allowed; every address found is checked, and one of
//! those very addresses is dialled.
//! It must not know HTTP.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use async_trait::async_trait;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::address::AddressCheck;
use super::allowed::Allowed;
use super::host::{Host, Target};
use super::refusal::{Refusal, Status};

const LOOK_UP_TIME: Duration = Duration::from_secs(10);
/// For one address; a host may have several.
const CONNECT_TIME: Duration = Duration::from_secs(10);
const MAX_ADDRESSES: usize = 4;

/// Looks names up.
#[async_trait]
pub trait Resolve: Send + Sync {
    /// The addresses of a name, the best first.
    ///
    /// # Errors
    /// There is no such name, or nobody to ask.
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// The system's own way to look names up.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemResolver;

#[async_trait]
impl Resolve for SystemResolver {
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let found = tokio::net::lookup_host((name, 0)).await?;
        Ok(found.map(|address| address.ip()).collect())
    }
}

/// Connects to an allowed target.
///
/// # Errors
/// What its client is told instead.
pub(super) async fn dial(
    target: &Target,
    allowed: &Allowed,
    resolver: &dyn Resolve,
) -> Result<TcpStream, Refusal> {
    if !allowed.grants(target) {
        return Err(Refusal::new(
            Status::Forbidden,
            format!(
                "`{target}` is not among the hosts that this command may reach; ask for it with `escalate`"
            ),
        ));
    }
    let addresses = addresses(target, resolver).await?;
    for address in &addresses {
        check(target, *address, allowed.may_be_private(target))?;
    }
    connect(target, &addresses).await
}

async fn addresses(target: &Target, resolver: &dyn Resolve) -> Result<Vec<IpAddr>, Refusal> {
    let name = match &target.host {
        Host::Address(address) => return Ok(vec![*address]),
        Host::Name(name) => name,
    };
    let failed = |why: String| {
        Refusal::new(
            Status::Unreachable,
            format!("`{name}` cannot be looked up: {why}"),
        )
    };
    let found = match timeout(LOOK_UP_TIME, resolver.resolve(name)).await {
        Ok(Ok(found)) => found,
        Ok(Err(error)) => return Err(failed(error.to_string())),
        Err(_) => return Err(failed("nobody answered in time".to_owned())),
    };
    if found.is_empty() {
        return Err(failed("it has no address".to_owned()));
    }
    // One spelling, so that what is checked is what is dialled.
    Ok(found.iter().map(IpAddr::to_canonical).collect())
}

fn check(target: &Target, address: IpAddr, may_be_private: bool) -> Result<(), Refusal> {
    let refuse = |kind, fix| {
        let is = match target.host {
            Host::Address(_) => "is",
            Host::Name(_) => "leads to",
        };
        let sentence = format!("`{}` {is} {kind}; {fix}", target.host);
        Err(Refusal::new(Status::Forbidden, sentence))
    };
    match AddressCheck::of(address) {
        AddressCheck::Public => Ok(()),
        AddressCheck::Private(_) if may_be_private => Ok(()),
        AddressCheck::Private(kind) => refuse(
            kind,
            "only the operator can open it, by naming the host in `network.private_hosts`",
        ),
        AddressCheck::Never(kind) => refuse(kind, "no command can reach that"),
    }
}

async fn connect(target: &Target, addresses: &[IpAddr]) -> Result<TcpStream, Refusal> {
    let mut why = "it has no address".to_owned();
    for address in addresses.iter().take(MAX_ADDRESSES) {
        let address = SocketAddr::new(*address, target.port);
        why = match timeout(CONNECT_TIME, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "nobody answered in time".to_owned(),
        };
    }
    Err(Refusal::new(
        Status::Unreachable,
        format!("`{target}` cannot be reached: {why}"),
    ))
}
