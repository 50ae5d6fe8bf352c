//! Resolvers that answer, fail, deceive or are slow, asked over the network.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use hickory_proto::op::{Message, OpCode, ResponseCode};
use hickory_proto::rr::rdata::{CNAME, TXT};
use hickory_proto::rr::{Name, RData, Record};
use muster::domain::{
    DomainCheck, DomainStatus, DomainToken, OrganizationDomain, OrganizationId, Role, TenantId,
    UserId,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, UdpSocket};

use crate::{DOMAIN_RESOLVERS, LookupFailed, Resolvers};

/// How long a resolver has in these tests.
const LIMIT: Duration = Duration::from_millis(2_500);

/// How a resolver behaves.
#[derive(Clone, Copy, Debug)]
enum Behavior {
    /// Has the record, in parts, among others.
    Found,
    /// Has only other records.
    Other,
    /// The name does not exist.
    Missing,
    /// The name has no TXT records.
    Empty,
    /// Fails, as for a wrong signature.
    Fails,
    /// Refuses to answer.
    Refuses,
    /// Never answers.
    Silent,
    /// Answers what was not asked.
    Garbage,
    /// The record is where an alias leads.
    Alias,
    /// The aliases lead back.
    Loop,
    /// The answer is too long for UDP.
    Cut,
}

fn domain() -> OrganizationDomain {
    let now = "2026-11-28T10:00:00.000Z".parse().unwrap();
    OrganizationDomain {
        tenant_id: TenantId::parse("acme").unwrap(),
        organization_id: OrganizationId::parse("o1").unwrap(),
        domain: "acme.example".parse().unwrap(),
        status: DomainStatus::Pending,
        token: DomainToken::from_bytes(&[0xab; 20]),
        auto_join: false,
        auto_join_role: Role::Member,
        verified_at: None,
        last_checked_at: None,
        failure: None,
        misses: 0,
        version: 1,
        created_by: UserId::parse("ada").unwrap(),
        created_at: now,
        updated_at: now,
    }
}

fn text(parts: &[&str]) -> RData {
    RData::TXT(TXT::from_bytes(
        parts.iter().map(|part| part.as_bytes()).collect(),
    ))
}

fn found() -> RData {
    let token = format!("token={}", "ab".repeat(20));
    let (first, second) = token.split_at(9);
    text(&[first, second, " expiry=never"])
}

fn answer(query: &Message, behavior: Behavior, is_udp: bool) -> Option<Vec<u8>> {
    let question = query.queries.first()?.clone();
    let name = question.name().clone();
    let mut message = Message::response(query.metadata.id, OpCode::Query);
    message.metadata.recursion_available = true;
    message.add_query(question);
    let mut add = |name: &Name, data| {
        message.add_answer(Record::from_rdata(name.clone(), 60, data));
    };
    let named = |text: &str| Name::from_ascii(text).unwrap();
    let alias = |text: &str| RData::CNAME(CNAME(named(text)));
    match behavior {
        Behavior::Silent => return None,
        Behavior::Found => {
            add(&name, text(&["v=spf1 -all"]));
            add(&name, found());
        }
        Behavior::Other => add(&name, text(&["token=another"])),
        Behavior::Alias => {
            add(&name, alias("there.example."));
            add(&named("there.example."), found());
        }
        Behavior::Loop => {
            add(&name, alias("there.example."));
            add(&named("there.example."), alias(&name.to_ascii()));
        }
        Behavior::Garbage => add(&named("another.example."), found()),
        Behavior::Cut if is_udp => message.metadata.truncation = true,
        Behavior::Cut => {
            for n in 0..15 {
                add(&name, text(&[&format!("{n}").repeat(100)]));
            }
            add(&name, found());
        }
        Behavior::Empty => {}
        Behavior::Missing => message.metadata.response_code = ResponseCode::NXDomain,
        Behavior::Fails => message.metadata.response_code = ResponseCode::ServFail,
        Behavior::Refuses => message.metadata.response_code = ResponseCode::Refused,
    }
    Some(message.to_vec().unwrap())
}

/// Binds a port for both protocols. The UDP port of a free TCP port can be in use.
async fn sockets() -> (TcpListener, UdpSocket) {
    loop {
        let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        match UdpSocket::bind(tcp.local_addr().unwrap()).await {
            Ok(udp) => return (tcp, udp),
            Err(error) => assert_eq!(error.kind(), ErrorKind::AddrInUse),
        }
    }
}

/// Starts a resolver. Returns its address.
async fn resolver(behavior: Behavior) -> SocketAddr {
    let (tcp, udp) = sockets().await;
    let address = tcp.local_addr().unwrap();
    tokio::spawn(async move {
        let mut buffer = vec![0; 4_096];
        loop {
            let (length, client) = udp.recv_from(&mut buffer).await.unwrap();
            let query = Message::from_vec(&buffer[..length]).unwrap();
            if let Some(answer) = answer(&query, behavior, true) {
                udp.send_to(&answer, client).await.unwrap();
            }
        }
    });
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = tcp.accept().await.unwrap();
            let length = stream.read_u16().await.unwrap();
            let mut query = vec![0; usize::from(length)];
            stream.read_exact(&mut query).await.unwrap();
            let query = Message::from_vec(&query).unwrap();
            if let Some(answer) = answer(&query, behavior, false) {
                stream
                    .write_u16(answer.len().try_into().unwrap())
                    .await
                    .unwrap();
                stream.write_all(&answer).await.unwrap();
            }
        }
    });
    address
}

async fn look_up(behaviors: &[Behavior]) -> Result<DomainCheck, LookupFailed> {
    let mut addresses = Vec::new();
    for behavior in behaviors {
        addresses.push(resolver(*behavior).await);
    }
    let resolvers = Resolvers::at(&addresses, LIMIT).unwrap();
    resolvers.look_up(&domain()).await
}

fn missing(found: &[&str]) -> DomainCheck {
    DomainCheck::Missing(found.iter().map(|it| (*it).to_owned()).collect())
}

#[tokio::test]
async fn the_record_is_found_in_parts_and_behind_an_alias() {
    for behavior in [Behavior::Found, Behavior::Alias, Behavior::Cut] {
        let check = look_up(&[behavior]).await;
        assert_eq!(check.unwrap(), DomainCheck::Found, "{behavior:?}");
    }
}

#[tokio::test]
async fn a_record_that_is_not_there_is_missing() {
    for (behavior, found) in [
        (Behavior::Missing, &[][..]),
        (Behavior::Empty, &[]),
        (Behavior::Other, &["token=another"]),
    ] {
        let check = look_up(&[behavior]).await;
        assert_eq!(check.unwrap(), missing(found), "{behavior:?}");
    }
}

#[tokio::test]
async fn a_resolver_that_fails_says_nothing() {
    for behavior in [Behavior::Fails, Behavior::Refuses, Behavior::Silent] {
        let start = Instant::now();
        let check = look_up(&[behavior]).await;
        assert!(check.is_err(), "{behavior:?}: {check:?}");
        assert!(start.elapsed() < LIMIT * 2, "{behavior:?}");
    }
}

#[tokio::test]
async fn a_record_of_another_name_or_a_loop_is_never_found() {
    for behavior in [Behavior::Garbage, Behavior::Loop] {
        let start = Instant::now();
        let check = look_up(&[behavior]).await;
        assert!(!matches!(check, Ok(DomainCheck::Found)), "{behavior:?}");
        assert!(start.elapsed() < LIMIT * 2, "{behavior:?}");
    }
}

#[tokio::test]
async fn more_than_half_of_the_resolvers_decide() {
    use Behavior::{Fails, Found, Missing, Silent};

    for behaviors in [[Found, Found, Missing], [Silent, Found, Found]] {
        let check = look_up(&behaviors).await;
        assert_eq!(check.unwrap(), DomainCheck::Found, "{behaviors:?}");
    }
    for behaviors in [[Found, Missing, Missing], [Fails, Missing, Missing]] {
        let check = look_up(&behaviors).await;
        assert_eq!(check.unwrap(), missing(&[]), "{behaviors:?}");
    }
    for behaviors in [[Found, Missing, Fails], [Found, Fails, Silent]] {
        let check = look_up(&behaviors).await;
        assert!(check.is_err(), "{behaviors:?}: {check:?}");
    }
    assert!(look_up(&[Found, Missing]).await.is_err());
}

#[test]
fn the_addresses_are_read_from_the_variable() {
    let read = |addresses: &'static str| {
        Resolvers::read(|name| (name == DOMAIN_RESOLVERS).then(|| addresses.to_owned()))
    };
    let count = |addresses| read(addresses).unwrap().resolvers.len();
    assert_eq!(count(""), 3);
    assert_eq!(count("127.0.0.1:5353"), 1);
    assert_eq!(count("1.1.1.1, [2606:4700:4700::1111]:53,9.9.9.9"), 3);
    for bad in ["dns.example", "1.1.1.1,", "1.1.1.1:x"] {
        assert!(read(bad).is_err(), "{bad}");
    }
}

#[test]
fn new_tokens_are_random() {
    let tokens: Vec<_> = (0..10).map(|_| crate::new_token().unwrap()).collect();
    for (n, token) in tokens.iter().enumerate() {
        assert!(!tokens[n + 1..].contains(token));
    }
}
