//! Over HTTP: orders that are not placed yet, from the first word to the order.

use serde_json::{Value, json};

use crate::served::Served;

fn money(amount: i64) -> Value {
    json!({"amount": amount, "currency": "USD"})
}

/// A shop with nine mugs, and the work of wrapping one.
fn served(test: impl FnOnce(&Served)) {
    let dir = tempfile::tempdir().expect("a directory");
    let server = Served::start(dir.path());
    let node = json!({
        "kind": "warehouse", "name": "east", "latitude": 40.0, "longitude": -75.0, "country": "US",
        "postal_code": "10001", "time_zone": "UTC", "active": true,
    });
    server.done("PUT", "/v1/nodes/east", &node);
    for (sku, kind) in [("mug", "product"), ("wrapping", "service")] {
        let item = json!({
            "name": sku, "kind": kind, "weight_g": 400, "value": money(2000),
            "dimensions_mm": {"length": 100, "width": 80, "height": 90},
        });
        server.done("PUT", &format!("/v1/items/{sku}"), &item);
    }
    let received = json!({"adjustments": [{"sku": "mug", "node": "east", "delta": 9, "reason": "received"}]});
    server.done("POST", "/v1/stock/adjustments", &received);
    test(&server);
    server.stop();
}

fn line(sku: &str, quantity: u64) -> Value {
    json!({"sku": sku, "quantity": quantity, "unit_price": money(1000)})
}

fn ship_to() -> Value {
    json!({
        "name": "Customer", "line1": "1 Main Street", "city": "Chicago", "region": "IL", "postal_code": "60601",
        "country": "US", "latitude": 41.9, "longitude": -87.6,
    })
}

/// All that an order has to say.
fn whole(id: &str, mugs: u64) -> Value {
    json!({
        "type": "standard", "channel": "phone", "channel_order_id": id, "delivery_method": "ship", "ship_to": ship_to(),
        "customer": {"id": "c-1", "name": "A Customer", "email": "customer@example.org"}, "lines": [line("mug", mugs)],
    })
}

fn level(server: &Served) -> [u64; 3] {
    let level = server.get("/v1/stock/mug").json()["total"].clone();
    ["available", "reserved", "committed"].map(|name| level[name].as_u64().expect("units"))
}

#[test]
fn a_draft_grows_is_held_for_quoted_and_placed_in_one_record() {
    served(|server| {
        let begun = server.ask("POST", "/v1/drafts", &json!({"id": "offer", "order": {"lines": [line("mug", 2)]}}));
        assert_eq!((begun.status, begun.json()["status"].as_str()), (201, Some("draft")));
        assert_eq!(level(server), [9, 0, 0], "a draft takes nothing");

        let lines = json!([line("mug", 4), line("wrapping", 1)]);
        let grown =
            json!({"order": {"lines": lines, "channel": "phone", "customer": {"id": "c-1", "name": "A Customer"}}});
        let grown = server.done("PATCH", "/v1/drafts/offer", &grown);
        assert_eq!((&grown["order"]["lines"], &grown["version"]), (&lines, &json!(2)));
        let held = server.ask("POST", "/v1/drafts/offer/reservation", &json!({"ttl_s": 600}));
        assert_eq!((held.status, level(server)), (201, [5, 4, 0]), "{}", held.json());
        let reservation = held.json()["reservation"].as_str().expect("its id is told").to_owned();
        let path = format!("/v1/reservations/{reservation}");
        assert_eq!(server.get(&path).json()["owner"], "offer");
        let again = server.ask("POST", "/v1/drafts/offer/reservation", &json!({"ttl_s": 600}));
        assert_eq!((again.status, again.code().as_str()), (409, "draft_holds"));

        let early = server.ask("POST", "/v1/drafts/offer/place", &json!({}));
        assert_eq!((early.status, early.code().as_str()), (422, "validation_failed"));
        let errors = early.json()["errors"].as_array().expect("every fault").clone();
        let missing: Vec<&str> = errors.iter().filter_map(|error| error["field"].as_str()).collect();
        let asked_for = ["order.type", "order.channel_order_id", "order.ship_to", "order.delivery_method"];
        assert_eq!(missing, asked_for, "what an order must say is asked for when it is placed");

        let rest =
            json!({"type": "standard", "channel_order_id": "7", "delivery_method": "ship", "ship_to": ship_to()});
        server.done("PATCH", "/v1/drafts/offer", &json!({"order": rest}));
        let quote = server.done("POST", "/v1/drafts/offer/quote", &json!({}));
        let assigned =
            quote["decision"]["assignments"].as_array().expect("a list").iter().map(|one| one["node"].clone());
        assert_eq!(assigned.collect::<Vec<_>>(), ["virtual", "east"], "the wrapping is done where no stock is");
        assert_eq!(level(server), [5, 4, 0], "a quote takes nothing");

        let before = server.ordain.journal().last_seq();
        let place = || {
            let headers = "content-type: application/json\r\nidempotency-key: p\r\n";
            server.send("POST", "/v1/drafts/offer/place", headers, b"{}")
        };
        let placed = place();
        assert_eq!((placed.status, placed.json()["status"].as_str()), (201, Some("fully_allocated")));
        assert_eq!(server.ordain.journal().last_seq(), before + 1, "in one record");
        assert_eq!(level(server), [5, 0, 4], "what was held is claimed");
        let repeated = place();
        assert_eq!(repeated.json(), placed.json());
        assert_eq!(repeated.header("idempotent-replayed"), Some("true"));
        let draft = server.get("/v1/drafts/offer").json();
        assert_eq!((&draft["status"], &draft["placed_as"]), (&json!("placed"), &placed.json()["id"]));
        let twice = server.ask("POST", "/v1/drafts/offer/place", &json!({}));
        assert_eq!((twice.status, twice.code().as_str()), (409, "draft_ended"));
        assert_eq!((&twice.json()["order"], &twice.json()["legal"]), (&placed.json()["id"], &json!([])));
    });
}

#[test]
fn a_draft_is_judged_as_an_order_only_when_it_is_placed() {
    served(|server| {
        let mut order = whole("1", 2);
        order["totals"] = json!({"total": money(1)});
        order["lines"][0]["sku"] = json!("cup");
        server.done("POST", "/v1/drafts", &json!({"id": "wrong", "order": order}));
        let sums = server.ask("POST", "/v1/drafts/wrong/place", &json!({}));
        assert_eq!((sums.status, sums.code().as_str()), (422, "totals_mismatch"));
        server.done("PATCH", "/v1/drafts/wrong", &json!({"order": {"totals": null}}));
        let unknown = server.ask("POST", "/v1/drafts/wrong/place", &json!({}));
        assert_eq!((unknown.status, unknown.code().as_str()), (422, "unknown_sku"));
        assert!(unknown.json()["detail"].as_str().is_some_and(|told| told.starts_with("order.lines[0].sku")));
        let held = server.ask("POST", "/v1/drafts/wrong/reservation", &json!({"ttl_s": 60}));
        assert_eq!((held.status, held.code().as_str()), (422, "unknown_sku"));

        // Two drafts of one order of the channel: the second is no order.
        for id in ["one", "two"] {
            server.done("POST", "/v1/drafts", &json!({"id": id, "order": whole("2", 1)}));
        }
        server.done("POST", "/v1/drafts/one/place", &json!({}));
        let twice = server.ask("POST", "/v1/drafts/two/place", &json!({}));
        assert_eq!((twice.status, twice.code().as_str()), (409, "duplicate_channel_order"));
        assert_eq!(server.get("/v1/drafts/two").json()["status"], "draft", "it can be mended");
    });
}

#[test]
fn a_repeat_is_answered_as_the_first_time_though_the_draft_grew_so_that_it_could_be_asked_no_more() {
    served(|server| {
        server.done("POST", "/v1/drafts", &json!({"id": "d", "order": {"lines": [line("mug", 1)]}}));
        let lines: Vec<Value> = (0..600).map(|_| line("mug", 1)).collect();
        let patch = |body: &Value| {
            let headers = "content-type: application/json\r\nidempotency-key: grow\r\n";
            server.send("PATCH", "/v1/drafts/d", headers, body.to_string().as_bytes())
        };
        let grow = json!({"order": {"lines": lines}});
        let grown = patch(&grow);
        assert_eq!(grown.status, 200, "{}", String::from_utf8_lossy(&grown.body));
        // Somebody else fills the rest of what a draft may say.
        let groups: serde_json::Map<_, _> = (0..60).map(|n| (format!("g{n}"), ship_to())).collect();
        let smaller = json!({"order": {"lines": [line("mug", 1)], "groups": groups}});
        server.done("PUT", "/v1/drafts/d", &smaller);
        let another = server.ask("PATCH", "/v1/drafts/d", &grow);
        assert_eq!((another.status, another.code().as_str()), (422, "draft_too_large"));
        let repeated = patch(&grow);
        assert!((repeated.status, repeated.json()) == (200, grown.json()), "answered {}", repeated.status);
        assert_eq!(repeated.header("idempotent-replayed"), Some("true"));
        let reused = patch(&json!({"order": {"lines": lines[1..]}}));
        assert_eq!((reused.status, reused.code().as_str()), (422, "idempotency_key_reused"));
    });
}

#[test]
fn two_who_change_a_draft_end_with_one_winner() {
    served(|server| {
        let asked = json!({"id": "d", "order": whole("1", 2)});
        let begun = server.ask("POST", "/v1/drafts", &asked);
        let again = server.ask("POST", "/v1/drafts", &asked);
        assert_eq!((again.status, again.json()), (201, begun.json()), "its own id repeats the answer");
        let other = server.ask("POST", "/v1/drafts", &json!({"id": "d", "order": whole("1", 3)}));
        assert_eq!((other.status, other.code().as_str()), (409, "id_taken"));
        let put = |mugs, version| {
            server.ask("PUT", "/v1/drafts/d", &json!({"order": whole("1", mugs), "version": version, "ttl_s": 60}))
        };
        assert_eq!(put(3, 1).status, 200);
        let late = put(4, 1);
        assert_eq!((late.status, late.code().as_str(), &late.json()["version"]), (409, "draft_changed", &json!(2)));
        let placed = server.ask("POST", "/v1/drafts/d/place", &json!({"version": 1}));
        assert_eq!((placed.status, placed.code().as_str()), (409, "draft_changed"));
        let placed = server.done("POST", "/v1/drafts/d/place", &json!({"version": 2}));
        assert_eq!(placed["lines"][0]["quantity"], 3);
    });
}

#[test]
fn drafts_are_listed_let_go_and_kept_over_a_start() {
    let dir = tempfile::tempdir().expect("a directory");
    let server = Served::start(dir.path());
    for (number, channel) in [(1, "phone"), (2, "desk"), (3, "phone")] {
        let order = json!({"channel": channel, "customer": {"id": format!("c-{number}"), "name": "Somebody Private"}});
        server.done("POST", "/v1/drafts", &json!({"id": format!("n-{number}"), "order": order}));
    }
    let gone = |server: &Served| server.send("DELETE", "/v1/drafts/n-1", "", b"").json()["status"].clone();
    assert_eq!((gone(&server), gone(&server)), (json!("discarded"), json!("discarded")), "a second time the same");
    let before = server.get("/v1/drafts").json();
    server.stop();

    let server = Served::start(dir.path());
    assert_eq!(server.get("/v1/drafts").json(), before);
    let ids = |query: &str| -> (Vec<Value>, Value) {
        let page = server.get(&format!("/v1/drafts{query}")).json();
        let items = page["items"].as_array().expect("a list").iter().map(|draft| draft["id"].clone());
        (items.collect(), page["next_cursor"].clone())
    };
    assert_eq!(ids("").0, ["n-3", "n-2", "n-1"]);
    assert_eq!(ids("?channel=phone&status=draft").0, ["n-3"]);
    assert_eq!(ids("?customer=c-2").0, ["n-2"]);
    let (first, cursor) = ids("?limit=2");
    let (second, end) = ids(&format!("?limit=2&cursor={}", cursor.as_str().expect("there is more")));
    assert_eq!(([first, second].concat(), end), (vec![json!("n-3"), json!("n-2"), json!("n-1")], Value::Null));
    let reused = server.ask("PUT", "/v1/drafts/n-1", &json!({"order": {}}));
    assert_eq!((reused.status, reused.code().as_str()), (409, "draft_ended"));
    assert_eq!(server.get("/v1/drafts/none").status, 404);
    server.stop();
}

#[test]
fn what_a_draft_says_of_a_person_is_in_no_event() {
    served(|server| {
        server.done("POST", "/v1/drafts", &json!({"id": "d", "order": whole("1", 2)}));
        let records = (1..=server.ordain.journal().durable_seq()).filter_map(|seq| {
            let record = server.ordain.journal().read(seq).expect("the journal reads")?;
            Some(server.ordain.engine().catalogue(|catalogue| ordain::api::event::record(&record, catalogue)))
        });
        let told = records.map(|record| record.to_string()).collect::<String>();
        assert!(told.contains("draft_begun") && told.contains("\"c-1\""), "{told}");
        for private in ["A Customer", "customer@example.org", "Main Street", "60601"] {
            assert!(!told.contains(private), "{private} is told in {told}");
        }
    });
}

#[test]
fn a_page_of_drafts_that_say_much_ends_early() {
    let dir = tempfile::tempdir().expect("a directory");
    let server = Served::start(dir.path());
    let order = json!({"channel": "phone", "lines": vec![line("mug", 1); 550]});
    let bytes = order.to_string().len();
    let many = (1 << 20) / bytes + 3;
    for number in 0..many {
        server.done("POST", "/v1/drafts", &json!({"id": format!("n-{number}"), "order": order}));
    }
    let first = server.get("/v1/drafts?limit=1000").json();
    let items = first["items"].as_array().expect("a list");
    assert_eq!(items.len(), many - 3, "of {bytes} bytes each");
    assert_eq!(items[0]["order"], order);
    let cursor = first["next_cursor"].as_str().expect("there is more");
    let rest = server.get(&format!("/v1/drafts?limit=1000&cursor={cursor}")).json();
    let ids = rest["items"].as_array().expect("a list").iter().map(|draft| draft["id"].clone());
    assert_eq!(ids.collect::<Vec<_>>(), ["n-2", "n-1", "n-0"]);
    assert_eq!(rest["next_cursor"], Value::Null);
    server.stop();
}

#[test]
fn what_shall_rest_holds_nothing() {
    served(|server| {
        server.done("POST", "/v1/drafts", &json!({"id": "d", "order": whole("1", 2)}));
        let defer = |mode: Value| server.done("PATCH", "/v1/drafts/d", &json!({"order": {"allocation": mode}}));
        let refused = |path: &str, body: Value| {
            let answer = server.ask("POST", &format!("/v1/drafts/d/{path}"), &body);
            assert_eq!((answer.status, answer.code().as_str()), (422, "deferred_claim"), "{path}");
            let detail = answer.json()["detail"].as_str().expect("in words").to_owned();
            assert!(detail.starts_with("order.allocation"), "{path}: {detail}");
        };
        defer(json!("deferred"));
        refused("reservation", json!({"ttl_s": 600}));
        assert_eq!(level(server), [9, 0, 0]);
        defer(Value::Null);
        server.done("POST", "/v1/drafts/d/reservation", &json!({"ttl_s": 600}));
        let short = server.ask("PATCH", "/v1/drafts/d", &json!({"ttl_s": 60}));
        assert_eq!((short.status, short.code().as_str()), (422, "ttl_out_of_range"));
        assert!(short.json()["detail"].as_str().is_some_and(|told| told.starts_with("ttl_s")), "{}", short.json());
        defer(json!("deferred"));
        refused("quote", json!({}));
        refused("place", json!({}));
        defer(Value::Null);
        server.done("POST", "/v1/drafts/d/place", &json!({}));
        assert_eq!(level(server), [7, 0, 2]);
    });
}
