//! Cursors.

use muster::domain::TenantId;
use muster::http::{Code, Cursor};

use crate::Property;
use crate::input::texts;

pub(crate) const PROPERTY: Property = Property {
    name: "cursor",
    check,
    seeds: &[
        b"acme\xffGET /organizations\xffactive\xffacme$0corp#o1",
        b"acme\xffGET /users/{user_id}/teams\xff\xffTEAM#m1",
        b"a\xff\xff\xffAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    ],
};

fn check(data: &[u8]) {
    let [tenant, route, filter, text] = texts(data);
    let Ok(tenant) = TenantId::parse(tenant) else {
        return;
    };
    let of = |tenant: &TenantId, route: &str, filter: &str| {
        Cursor::new(tenant, route, [("status", filter)])
    };
    let own = of(&tenant, &route, &filter);
    // A sealed position can be opened again, within the size limit of a cursor.
    let sealed = own.seal(&text);
    let opened = own.open(&sealed).ok();
    assert!(opened.as_ref() == Some(&text) || text.len() > 3_000);
    // Not in another list, of this tenant or another one.
    let end = if tenant.as_str().ends_with('x') {
        'y'
    } else {
        'x'
    };
    let other = TenantId::parse(format!("{:.127}{end}", tenant.as_str())).unwrap();
    let others = [
        of(&other, &route, &filter),
        of(&tenant, &format!("{route}x"), &filter),
        of(&tenant, &route, &format!("{filter}x")),
        of(&tenant, &format!("{route}{filter}"), ""),
        Cursor::new(&tenant, &route, []),
        Cursor::new(&tenant, &route, [("statu", format!("s{filter}").as_str())]),
    ];
    for other in others.iter().filter(|other| **other != own) {
        assert!(other.open(&sealed).is_err());
    }
    assert!(own != others[0], "two tenants have the same cursors");
    // Any text is rejected with a message, or is exactly the cursor of its position.
    match own.open(&text) {
        Ok(place) => assert_eq!(own.seal(&place), text),
        Err(problem) => assert_eq!(problem.code, Code::InvalidCursor),
    }
}
