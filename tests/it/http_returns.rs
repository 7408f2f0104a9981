//! Over HTTP: returns asked for, approved, received and refunded; their policy; exchanges; what of them is told.

use serde_json::{Value, json};

use crate::served::Served;
use crate::shipping::ground;

fn served(test: impl FnOnce(&Served)) {
    let dir = tempfile::tempdir().expect("a directory");
    let server = Served::start(dir.path());
    let node = json!({
        "kind": "warehouse", "name": "A warehouse", "latitude": 41.9, "longitude": -87.6, "country": "US",
        "postal_code": "60601", "time_zone": "America/Chicago", "active": true,
    });
    assert_eq!(server.ask("PUT", "/v1/nodes/chi", &node).status, 201);
    for sku in ["mug", "cup"] {
        let item = json!({
            "name": sku, "kind": "product", "weight_g": 350, "value": {"amount": 1250, "currency": "USD"},
            "dimensions_mm": {"length": 100, "width": 80, "height": 90},
        });
        assert_eq!(server.ask("PUT", &format!("/v1/items/{sku}"), &item).status, 201);
        let change = json!({"adjustments": [{"sku": sku, "node": "chi", "delta": 3, "reason": "received"}]});
        server.done("POST", "/v1/stock/adjustments", &change);
    }
    test(&server);
    server.stop();
}

fn money(amount: i64) -> Value {
    json!({"amount": amount, "currency": "USD"})
}

/// An order of mugs, paid and delivered.
fn delivered(server: &Served, id: &str, quantity: u32) {
    delivered_of(server, id, "mug", quantity);
}

/// The same of a sku.
fn delivered_of(server: &Served, id: &str, sku: &str, quantity: u32) {
    let order = json!({
        "id": id, "type": "standard", "channel": "web", "channel_order_id": id,
        "customer": {"id": "c-1", "name": "Customer", "email": "customer@example.org"},
        "ship_to": {
            "name": "Customer", "line1": "1 Main St", "city": "Chicago", "region": "IL", "postal_code": "60601",
            "country": "US", "latitude": 41.8781, "longitude": -87.6298,
        },
        "lines": [{"sku": sku, "quantity": quantity, "unit_price": money(1000)}],
        "delivery_method": "ship",
    });
    let placed = server.done("POST", "/v1/orders", &order);
    let fulfillment = placed["fulfillment_orders"][0]["id"].as_str().expect("an id").to_owned();
    let shipment = json!({"carrier": "ups", "service": "ground", "tracking_number": "1Z 999"});
    for (verb, body) in
        [("accept", json!({})), ("pick", json!({})), ("pack", json!({})), ("ship", shipment), ("deliver", json!({}))]
    {
        server.done("POST", &format!("/v1/fulfillment-orders/{fulfillment}/{verb}"), &body);
    }
    let paid = json!({"status": "paid", "amount": money(1000 * i64::from(quantity))});
    server.done("POST", &format!("/v1/orders/{id}/payments"), &paid);
}

#[test]
fn a_kit_comes_back_in_pieces() {
    served(|server| {
        let kit = json!({
            "name": "pair", "kind": "kit", "weight_g": 0, "dimensions_mm": {"length": 0, "width": 0, "height": 0},
            "components": [{"sku": "mug", "quantity": 1}, {"sku": "cup", "quantity": 1}],
        });
        assert_eq!(server.ask("PUT", "/v1/items/pair", &kit).status, 201);
        delivered_of(server, "order-1", "pair", 1);
        let asked =
            json!({"id": "back-1", "order": "order-1", "lines": [{"line": "1", "quantity": 1, "reason": "chipped"}]});
        server.done("POST", "/v1/returns", &asked);
        server.done("POST", "/v1/returns/back-1/approve", &json!({}));
        let piece = |sku: &str, condition: &str, disposition: &str| json!({"line": "1", "component": sku, "quantity": 1, "condition": condition, "disposition": disposition});
        let alone = json!({"lines": [piece("mug", "new", "restock")]});
        assert_eq!(server.ask("POST", "/v1/returns/back-1/receipts", &alone).code(), "incomplete_kit");
        let both = json!({"lines": [piece("mug", "new", "restock"), piece("cup", "damaged", "destroy")]});
        let received = server.done("POST", "/v1/returns/back-1/receipts", &both);
        assert_eq!((&received["status"], &received["refundable"]), (&json!("dispositioned"), &money(1000)));
        let told = received["lines"][0]["components"].as_array().expect("its components").iter();
        let told: Vec<_> =
            told.map(|own| (&own["sku"], &own["value"], &own["dispositions"][0]["disposition"])).collect();
        assert_eq!(
            told,
            [(&json!("mug"), &money(500), &json!("restock")), (&json!("cup"), &money(500), &json!("destroy"))]
        );
        let on_hand = |sku: &str| server.get(&format!("/v1/stock/{sku}")).json()["total"]["on_hand"].clone();
        assert_eq!((on_hand("mug"), on_hand("cup")), (json!(3), json!(2)));
    });
}

#[test]
fn a_return_is_asked_for_approved_received_and_refunded() {
    served(|server| {
        delivered(server, "order-1", 2);
        let asked = json!({
            "id": "back-1", "order": "order-1", "lines": [{"line": "1", "quantity": 2, "reason": "too small"}],
        });
        let made = server.ask("POST", "/v1/returns", &asked);
        assert_eq!((made.status, made.json()["status"].clone()), (201, json!("requested")));
        assert_eq!(server.ask("POST", "/v1/returns", &asked).json(), made.json());
        let early = json!({"lines": [{"line": "1", "quantity": 1, "condition": "new", "disposition": "restock"}]});
        let refused = server.ask("POST", "/v1/returns/back-1/receipts", &early);
        assert_eq!((refused.status, refused.code()), (409, "illegal_transition".into()));
        assert_eq!(refused.json()["legal"], json!(["approve", "decline", "cancel"]));

        let approved = server.done("POST", "/v1/returns/back-1/approve", &json!({}));
        assert_eq!((&approved["status"], &approved["lines"][0]["node"]), (&json!("approved"), &json!("chi")));
        let label = json!({"carrier": "ups", "tracking_number": "1Z 1"});
        assert_eq!(server.done("POST", "/v1/returns/back-1/labels", &label)["status"], "awaiting_goods");
        assert_eq!(server.done("POST", "/v1/returns/back-1/transit", &json!({}))["status"], "in_transit");
        let refund = json!({"amount": money(1500)});
        assert_eq!(server.done("POST", "/v1/returns/back-1/refunds", &refund)["refunded"], money(1500));
        assert_eq!(server.ask("POST", "/v1/returns/back-1/refunds", &refund).code(), "refund_too_large");
        let receipt = json!({"lines": [
            {"line": "1", "quantity": 1, "condition": "new", "disposition": "restock"},
            {"line": "1", "quantity": 1, "condition": "damaged", "disposition": "damaged"},
        ]});
        let received = server.done("POST", "/v1/returns/back-1/receipts", &receipt);
        assert_eq!((&received["status"], &received["refundable"]), (&json!("dispositioned"), &money(2000)));
        let level = server.get("/v1/stock/mug").json()["total"].clone();
        assert_eq!((&level["on_hand"], &level["available"], &level["damaged"]), (&json!(3), &json!(2), &json!(1)));
        let closed = server.done("POST", "/v1/returns/back-1/refunds", &json!({"amount": money(500)}));
        assert_eq!(closed["status"], "closed");
        assert_eq!(server.get("/v1/returns/back-1").json(), closed);
        let listed = |query: &str| server.get(&format!("/v1/returns?{query}")).json()["items"].clone();
        assert_eq!(listed("order=order-1&status=closed&node=chi"), json!([closed]));
        assert_eq!(listed("status=requested"), json!([]));

        let order = server.get("/v1/orders/order-1").json();
        assert_eq!((&order["status"], &order["payment_state"]), (&json!("returned"), &json!("refunded")));
        assert_eq!(order["lines"][0]["return_received"], 2);
        assert_eq!(server.get("/v1/orders?status=returned").json()["items"].as_array().map(Vec::len), Some(1));
        let story = server.get("/v1/orders/order-1/history").json();
        let told: Vec<&str> =
            story["items"].as_array().expect("a list").iter().filter_map(|one| one["type"].as_str()).collect();
        for word in ["return_requested", "return_approved", "return_labelled", "return_in_transit", "payment_refunded"]
        {
            assert!(told.contains(&word), "{word} is not in {told:?}");
        }
        assert_eq!(told.last(), Some(&"return_closed"));
        let more = json!({"order": "order-1", "lines": [{"line": "1", "quantity": 1, "reason": "again"}]});
        let refused = server.ask("POST", "/v1/returns", &more);
        assert_eq!((refused.status, refused.code()), (409, "not_returnable".into()));
        assert_eq!(server.get("/v1/returns/none").code(), "not_found");
    });
}

#[test]
fn a_parcel_that_comes_back_is_shown_where_its_carrier_saw_it() {
    served(|server| {
        delivered(server, "order-1", 2);
        let asked = json!({
            "id": "back-1", "order": "order-1", "lines": [{"line": "1", "quantity": 2, "reason": "too small"}],
        });
        server.done("POST", "/v1/returns", &asked).as_object().expect("a return");
        server.done("POST", "/v1/returns/back-1/approve", &json!({}));
        let mut carrier = ground();
        carrier["tracking_url"] = json!("https://ups.example/?n={tracking_number}");
        assert_eq!(server.ask("PUT", "/v1/carriers/ups", &carrier).status, 201);
        let label = json!({"carrier": "ups", "tracking_number": "1Z 1"});
        let labelled = server.done("POST", "/v1/returns/back-1/labels", &label);
        assert!(labelled["labels"][0]["tracking"].is_null());
        let tell = |label: &str, body: &Value| {
            server.ask("POST", &format!("/v1/returns/back-1/labels/{label}/tracking"), body)
        };
        let scan = |at: &str, status: &str| json!({"at": at, "status": status, "place": "Chicago"});
        let early = json!({"events": [scan("2026-01-01T08:00:00Z", "pre_transit")]});
        assert_eq!(tell("1", &early).json()["status"], "awaiting_goods");
        for label in ["0", "2", "one", "65537"] {
            let refused = tell(label, &early);
            assert_eq!((refused.status, refused.code()), (404, "not_found".into()), "{label}");
        }
        let ahead = json!({"events": [scan("2099-01-01T08:00:00Z", "in_transit")]});
        let refused = tell("1", &ahead);
        assert_eq!((refused.status, refused.code()), (422, "time_in_future".into()));
        let news = json!({"estimated_at": "2026-01-05T17:00:00Z", "events": [
            scan("2026-01-03T08:00:00Z", "out_for_delivery"), scan("2026-01-02T08:00:00Z", "in_transit"),
        ]});
        let shown = tell("1", &news).json();
        assert_eq!(shown["status"], "in_transit");
        let tracking = &shown["labels"][0]["tracking"];
        assert_eq!(tracking["status"], "out_for_delivery");
        assert_eq!(tracking["estimated_at"], "2026-01-05T17:00:00Z");
        let told = tracking["events"].as_array().expect("scans").iter().map(|one| one["status"].clone());
        assert_eq!(told.collect::<Vec<_>>(), ["pre_transit", "in_transit", "out_for_delivery"]);
        assert_eq!(tell("1", &news).json(), shown, "nothing of it is new");
        let missed = tell("1", &json!({"events": [scan("2026-01-03T18:00:00Z", "failure")]})).json();
        assert_eq!(server.get("/v1/returns/back-1").json(), missed);
        let cases = server.get("/v1/exceptions?type=delivery_missed").json();
        let subject = &cases["items"][0]["subject"];
        assert_eq!((&subject["label"], subject["return"].is_string()), (&json!(1), true), "{cases}");
        let home = tell("1", &json!({"events": [scan("2026-01-04T09:00:00Z", "delivered")]})).json();
        assert_eq!(home["labels"][0]["tracking"]["delivered_at"], "2026-01-04T09:00:00Z");
        assert_eq!(home["labels"][0]["tracking_url"], "https://ups.example/?n=1Z%201");
        assert_eq!(home["status"], "in_transit", "nobody has received it");
    });
}

#[test]
fn an_order_names_its_returns_by_the_ids_that_were_given() {
    served(|server| {
        delivered(server, "order-1", 2);
        let mut asked =
            json!({"id": "back-1", "order": "order-1", "lines": [{"line": "1", "quantity": 1, "reason": "late"}]});
        server.done("POST", "/v1/returns", &asked);
        asked.as_object_mut().expect("an object").remove("id");
        let second = server.done("POST", "/v1/returns", &asked)["id"].clone();
        let returns = json!(["back-1", second]);
        assert_eq!(server.get("/v1/orders/order-1").json()["returns"], returns);
        assert_eq!(server.get("/v1/orders").json()["items"][0]["returns"], returns);
    });
}

#[test]
fn a_policy_decides_alone_and_an_exchange_waits_for_what_comes_back() {
    served(|server| {
        delivered(server, "order-1", 2);
        let policy = json!({"automatic": true, "conditions": ["new", "opened"], "refund_at": "received",
                            "restocking_fee_percent": 10, "expires_days": 14});
        let put = server.done("PUT", "/v1/return-policy", &policy);
        assert_eq!((&put["about"], &put["returns"]["restocking_fee_percent"]), (&json!("returns"), &json!(10)));
        let mut asked = json!({
            "order": "order-1", "lines": [{"line": "1", "quantity": 1, "reason": "worn out", "condition": "used"}],
        });
        let declined = server.done("POST", "/v1/returns", &asked);
        assert_eq!(
            (&declined["status"], &declined["lines"][0]["outside_policy"]),
            (&json!("declined"), &json!("condition"))
        );
        asked["lines"][0]["condition"] = json!("opened");
        asked["exchange"] = json!([{"sku": "cup", "quantity": 1}]);
        let approved = server.done("POST", "/v1/returns", &asked);
        assert_eq!((&approved["status"], &approved["difference"]), (&json!("approved"), &money(350)));
        let instead = approved["replacement"].as_str().expect("it is ordered").to_owned();
        let held = server.get(&format!("/v1/orders/{instead}")).json();
        assert_eq!(held["id"], instead, "by its own id");
        let listed = server.get("/v1/returns?order=order-1&status=approved").json();
        assert_eq!(listed["items"][0]["replacement"], instead);
        let key = held["fulfillment_orders"][0]["id"]
            .as_str()
            .map_or("", |own| own.rsplit_once('-').map_or("", |(key, _)| key));
        assert_ne!(key, instead);
        assert_eq!((&held["status"], &held["holds"][0]["type"]), (&json!("on_hold"), &json!("awaiting_return_items")));
        assert_eq!(server.get("/v1/stock/cup").json()["total"]["committed"], 1);
        let id = approved["id"].as_str().expect("an id");
        let receipt =
            json!({"lines": [{"line": "1", "quantity": 1, "condition": "opened", "disposition": "refurbish"}]});
        let closed = server.done("POST", &format!("/v1/returns/{id}/receipts"), &receipt);
        assert_eq!(closed["status"], "closed");
        assert_eq!(server.get(&format!("/v1/orders/{instead}")).json()["status"], "fully_allocated");
    });
}
