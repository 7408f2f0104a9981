//! Over HTTP: an order that is collected: ready, with a code that nothing but its own page tells, the customer there, handed
//! over; one that nobody comes for.

use serde_json::{Value, json};

use crate::served::Served;

fn served(test: impl FnOnce(&Served)) {
    let dir = tempfile::tempdir().expect("a directory");
    let server = Served::start(dir.path());
    for (id, latitude) in [("loop", 41.9), ("mile", 42.9)] {
        let node = json!({
            "kind": "store", "name": "A store", "latitude": latitude, "longitude": -87.6, "country": "US",
            "postal_code": "60601", "time_zone": "America/Chicago", "active": true,
        });
        assert_eq!(server.ask("PUT", &format!("/v1/nodes/{id}"), &node).status, 201);
    }
    let item = json!({
        "name": "mug", "kind": "product", "weight_g": 350, "value": {"amount": 1250, "currency": "USD"},
        "dimensions_mm": {"length": 100, "width": 80, "height": 90},
    });
    assert_eq!(server.ask("PUT", "/v1/items/mug", &item).status, 201);
    let stock = |node: &str| json!({"sku": "mug", "node": node, "delta": 5, "reason": "received"});
    server.done("POST", "/v1/stock/adjustments", &json!({"adjustments": [stock("loop"), stock("mile")]}));
    test(&server);
    server.stop();
}

/// An order for the farther store, packed there; its fulfilment order.
fn packed(server: &Served, id: &str, method: &str) -> String {
    packed_for(server, id, method, "mile", "mile")
}

/// An order for a store, packed at the node that has it; its fulfilment order.
fn packed_for(server: &Served, id: &str, method: &str, store: &str, at: &str) -> String {
    let order = json!({
        "id": id, "type": "standard", "channel": "web", "channel_order_id": id,
        "customer": {"id": "c-1", "name": "Customer", "email": "customer@example.org"},
        "ship_to": {
            "name": "Customer", "line1": "1 Main St", "city": "Chicago", "region": "IL", "postal_code": "60601",
            "country": "US", "latitude": 41.8781, "longitude": -87.6298,
        },
        "lines": [{"sku": "mug", "quantity": 2, "unit_price": {"amount": 1000, "currency": "USD"}}],
        "delivery_method": method, "preferred_node": store,
    });
    let placed = server.done("POST", "/v1/orders", &order);
    assert_eq!(placed["fulfillment_orders"][0]["node"], at);
    let fulfillment = placed["fulfillment_orders"][0]["id"].as_str().expect("an id").to_owned();
    for verb in ["accept", "pick", "pack"] {
        server.done("POST", &format!("/v1/fulfillment-orders/{fulfillment}/{verb}"), &json!({}));
    }
    fulfillment
}

#[test]
fn a_curbside_order_is_handed_over_for_the_code_that_only_its_own_page_tells() {
    served(|server| {
        server.done("PUT", "/v1/collection-rules/curbside", &json!({"code": true, "window_h": 48}));
        let own = packed(server, "order-1", "curbside");
        let at = |what: &str| format!("/v1/fulfillment-orders/{own}/{what}");
        assert_eq!(server.get(&at("collection")).status, 404, "it is not ready");
        let ready = server.done("POST", &at("ready"), &json!({}));
        assert_eq!(ready["status"], "ready");
        let told = server.get(&at("collection")).json();
        let code = told["code"].as_str().expect("a code").to_owned();
        assert_eq!((code.len(), &told["arrived_at"]), (8, &Value::Null));
        server.done("POST", &at("arrive"), &json!({"spot": "bay 4"}));
        assert_eq!(server.get(&at("collection")).json()["spot"], "bay 4");

        let without = server.ask("POST", &at("hand_over"), &json!({}));
        assert_eq!((without.status, without.code().as_str()), (422, "missing_field"));
        let wrong = server.ask("POST", &at("hand_over"), &json!({"code": "AAAAAAAA"}));
        assert_eq!((wrong.status, wrong.code().as_str()), (422, "wrong_code"));
        // Nothing else tells the code: no page, no list, no story, no refusal.
        let order = server.get("/v1/orders/order-1").body;
        let pages =
            ["/v1/orders/order-1/history", "/v1/fulfillment-orders", "/v1/orders"].map(|path| server.get(path).body);
        for body in [order, without.body, wrong.body, server.get(&format!("/v1/fulfillment-orders/{own}")).body]
            .into_iter()
            .chain(pages)
        {
            let text = String::from_utf8(body).expect("text");
            assert!(!text.contains(&code), "{text}");
        }
        let done = server.done("POST", &at("hand_over"), &json!({"code": code.to_lowercase()}));
        assert_eq!(done["status"], "delivered");
        assert_eq!(server.get(&at("collection")).status, 404, "it is over");
        assert_eq!(server.get("/v1/stock/mug").json()["total"]["on_hand"], 8);
    });
}

#[test]
fn an_order_is_sent_to_a_store_and_handed_over_there() {
    served(|server| {
        let node = json!({
            "kind": "store", "name": "A kiosk", "latitude": 41.8, "longitude": -87.7, "country": "US",
            "postal_code": "60602", "time_zone": "America/Chicago", "active": true,
        });
        assert_eq!(server.ask("PUT", "/v1/nodes/kiosk", &node).status, 201);
        let own = packed_for(server, "order-1", "ship_to_store", "kiosk", "loop");
        let at = |what: &str| format!("/v1/fulfillment-orders/{own}/{what}");
        let early = server.ask("POST", &at("ready"), &json!({}));
        assert_eq!((early.status, early.code().as_str()), (409, "illegal_transition"));
        assert_eq!(early.json()["legal"], json!(["ship", "cancel"]));
        let shipment = json!({"carrier": "post", "service": "parcel", "tracking_number": "1"});
        let shipped = server.done("POST", &at("ship"), &shipment);
        assert_eq!(
            (&shipped["status"], &shipped["node"], &shipped["store"]),
            (&json!("shipped"), &json!("loop"), &json!("kiosk"))
        );
        assert_eq!(server.ask("POST", &at("deliver"), &json!({})).json()["legal"], json!(["receive"]));
        let received = server.done("POST", &at("receive"), &json!({}));
        assert_eq!(
            (&received["status"], &received["node"], &received["store"]),
            (&json!("packed"), &json!("kiosk"), &Value::Null)
        );
        let there = |server: &Served| server.get("/v1/stock/mug").json()["total"]["on_hand"].clone();
        assert_eq!(there(server), 10);
        server.done("POST", &at("ready"), &json!({"code": "K7PM"}));
        assert_eq!(server.done("POST", &at("hand_over"), &json!({"code": "K7PM"}))["status"], "delivered");
        assert_eq!(there(server), 8);
        let told = server.get("/v1/orders/order-1/history").body;
        assert!(String::from_utf8(told).expect("text").contains("received_at_store"));
    });
}

#[test]
fn a_pickup_at_a_store_that_does_none_is_refused() {
    served(|server| {
        let patch = json!({"capabilities": ["ship"]});
        assert_eq!(server.ask("PATCH", "/v1/nodes/mile", &patch).status, 200);
        let order = json!({
            "type": "standard", "channel": "web", "channel_order_id": "w-1", "customer": {"id": "c-1", "name": "Customer"},
            "ship_to": {
                "name": "Customer", "line1": "1 Main St", "city": "Chicago", "region": "IL", "postal_code": "60601",
                "country": "US",
            },
            "lines": [{"sku": "mug", "quantity": 2, "unit_price": {"amount": 1000, "currency": "USD"}}],
            "delivery_method": "pickup", "preferred_node": "mile",
        });
        let refused = server.ask("POST", "/v1/orders", &order);
        assert_eq!((refused.status, refused.code().as_str()), (422, "method_not_offered"));
    });
}
