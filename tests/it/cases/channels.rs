//! Faults in how channels share stock, each named after its row.

use ordain::domain::channel::PaymentBefore;
use ordain::domain::command::*;
use ordain::domain::record::Log;
use ordain::domain::rejection::Rejection;
use ordain::engine::AtpAsked;
use ordain::pipeline::Refused;

use super::on_threads;
use crate::shop::{Shop, order, reserve, text};

fn put(shop: &Shop, id: &str, floor: u32, cap: Option<u32>) {
    let limits = vec![PutLimit { sku: text("phone"), floor, cap }];
    let (id, name) = (text(id), text(id));
    let (nodes, customers, payment_methods) = (None, Vec::new(), Vec::new());
    let payment_before = PaymentBefore::default();
    let channel = PutChannel { id, name, nodes, customers, limits, payment_before, payment_methods };
    shop.run(Command::PutChannel(Box::new(channel))).expect("a good channel");
}

fn through(channel: &str, n: u32) -> Command {
    Command::Reserve(Reserve { channel: Some(text(channel)), ..reserve(&[("phone", n)], 600) })
}

fn atp(shop: &Shop, channel: &str) -> (u64, u64) {
    let asked = AtpAsked { channel: Some(channel), ..AtpAsked::default() };
    let now = shop.ordain.journal().now().journal;
    let atp = shop.ordain.engine().atp_for(now, "phone", asked).expect("a known sku");
    (atp.available, atp.as_of)
}

fn used(shop: &Shop, channel: &str) -> u32 {
    shop.ordain.engine().channel(channel).expect("a known channel").1[0]
}

#[test]
fn case_10_a_channel_is_a_capped_view_of_one_counter_and_never_a_second() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let shop = Shop::with_phones(dir.path(), 9, 5);
    put(&shop, "web", 0, Some(8));
    put(&shop, "shop", 3, Some(9));
    // Each may have more than there is for both: eighteen fronts, and no unit is sold twice.
    let won = on_threads(18, |n| {
        let channel = ["web", "shop", "market"][n % 3];
        (channel, shop.run(through(channel, 2)).is_ok())
    });
    let units = |of: &str| won.iter().filter(|(channel, won)| *channel == of && *won).count() as u64 * 2;
    let free = shop.ordain.engine().stock("phone").expect("known").total.available;
    assert_eq!(units("web") + units("shop") + units("market") + u64::from(free), 14);
    assert!(units("web") <= 8 && units("shop") <= 9);
    assert!(units("web") + units("market") <= 11, "the floor of the shop is its own");
    assert_eq!((u64::from(used(&shop, "web")), u64::from(used(&shop, "shop"))), (units("web"), units("shop")));
    shop.check();
    let before = (used(&shop, "web"), used(&shop, "shop"), atp(&shop, "web").0, atp(&shop, "shop").0);
    let shop = shop.restart(dir.path());
    let after = (used(&shop, "web"), used(&shop, "shop"), atp(&shop, "web").0, atp(&shop, "shop").0);
    assert_eq!(after, before, "a start counts the same");
}

#[test]
fn case_45_what_can_be_promised_is_told_for_a_channel_with_its_position() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let shop = Shop::with_phones(dir.path(), 4, 0);
    put(&shop, "web", 4, None);
    let (here, at) = atp(&shop, "web");
    assert_eq!((here, atp(&shop, "market").0), (4, 0), "in stock here, and not there");
    let refused = shop.run(through("market", 1));
    assert!(
        matches!(refused, Err(Refused::Rejected(Rejection::InsufficientStock { available: 0, .. }))),
        "{refused:?}"
    );
    shop.place(order("c1", &[("phone", 1)])).expect("it is kept for this channel");
    let (left, later) = atp(&shop, "web");
    assert!(left == 3 && later > at, "a later answer says that it is later");
    shop.check();
}
