//! Over HTTP: fulfilment orders rearranged and put back, exceptions, policies.

use serde_json::{Value, json};

use crate::served::Served;

fn shop(server: &Served) {
    for (id, latitude, longitude) in [("chi", 41.9, -87.6), ("nyc", 40.7, -74.0)] {
        let node = json!({
            "kind": "warehouse", "name": "A warehouse", "latitude": latitude, "longitude": longitude, "country": "US",
            "postal_code": "60601", "time_zone": "America/Chicago", "active": true,
        });
        assert_eq!(server.ask("PUT", &format!("/v1/nodes/{id}"), &node).status, 201);
    }
    let item = json!({
        "name": "Mug", "kind": "product", "weight_g": 350, "value": {"amount": 1250, "currency": "USD"},
        "dimensions_mm": {"length": 100, "width": 80, "height": 90},
    });
    assert_eq!(server.ask("PUT", "/v1/items/mug", &item).status, 201);
    for node in ["chi", "nyc"] {
        receive(server, node, 4);
    }
}

fn receive(server: &Served, node: &str, units: i32) {
    let reason = if units > 0 { "received" } else { "lost" };
    let change = json!({"adjustments": [{"sku": "mug", "node": node, "delta": units, "reason": reason}]});
    server.done("POST", "/v1/stock/adjustments", &change);
}

fn place(server: &Served, id: &str, quantity: u32, more: &Value) -> Value {
    let mut order = json!({
        "type": "standard", "channel": "web", "channel_order_id": id,
        "customer": {"id": "c-1", "name": "Customer", "email": "customer@example.org"},
        "ship_to": {
            "name": "Customer", "line1": "1 Main St", "city": "Chicago", "region": "IL", "postal_code": "60601",
            "country": "US", "latitude": 41.8781, "longitude": -87.6298,
        },
        "lines": [{"sku": "mug", "quantity": quantity, "unit_price": {"amount": 1999, "currency": "USD"}}],
        "delivery_method": "ship",
    });
    let more = more.as_object().expect("an object").clone();
    order.as_object_mut().expect("an object").extend(more);
    server.done("POST", "/v1/orders", &order)
}

fn served(test: impl FnOnce(&Served)) {
    let dir = tempfile::tempdir().expect("a directory");
    let server = Served::start(dir.path());
    test(&server);
    server.stop();
}

fn path_of(order: &Value, at: usize) -> String {
    format!("/v1/fulfillment-orders/{}", order["fulfillment_orders"][at]["id"].as_str().expect("an id"))
}

#[test]
fn a_fulfilment_order_is_split_moved_merged_stopped_and_put_back() {
    served(|server| {
        shop(server);
        let order = place(server, "1", 3, &json!({}));
        let (first, whole) = (path_of(&order, 0), json!({}));
        let lines = json!({"lines": [{"line": "1", "quantity": 1}]});
        let split = || {
            server.send(
                "POST",
                &format!("{first}/split"),
                "content-type: application/json\r\nidempotency-key: s\r\n",
                lines.to_string().as_bytes(),
            )
        };
        let (once, again) = (split(), split());
        assert_eq!((once.status, again.header("idempotent-replayed")), (200, Some("true")));
        let own = format!("/v1/orders/{}", order["id"].as_str().expect("an id"));
        let now = server.get(&own).json();
        assert_eq!(now["fulfillment_orders"].as_array().map(Vec::len), Some(2), "once");
        let second = path_of(&now, 1);
        assert_eq!(now["fulfillment_orders"][1]["split_from"], now["fulfillment_orders"][0]["id"]);
        let moved = server.done("POST", &format!("{second}/move"), &json!({"node": "nyc"}));
        assert_eq!((&moved["node"], &moved["status"]), (&json!("nyc"), &json!("submitted")));
        let nyc = server.get("/v1/stock/mug").json()["nodes"][1]["committed"].clone();
        assert_eq!(nyc, 1);
        let with = json!({"with": now["fulfillment_orders"][1]["id"]});
        assert_eq!(server.ask("POST", &format!("{first}/merge"), &with).code(), "not_mergeable");
        server.done("POST", &format!("{second}/move"), &json!({"node": "chi"}));
        let merged = server.done("POST", &format!("{first}/merge"), &with);
        assert_eq!(merged["lines"][0]["quantity"], 3);
        assert_eq!(server.get(&second).json()["merged_into"], merged["id"]);
        for verb in ["accept", "pick", "pack"] {
            server.done("POST", &format!("{first}/{verb}"), &whole);
        }
        let ready = server.done("POST", &format!("{first}/ready"), &json!({"until": "2099-01-01T00:00:00Z"}));
        assert_eq!((&ready["status"], &ready["until"]), (&json!("ready"), &json!("2099-01-01T00:00:00Z")));
        server.done("POST", &format!("{first}/cancel"), &json!({"reason": "changed mind"}));
        assert_eq!(server.done("POST", &format!("{first}/cancel_accept"), &whole)["status"], "put_back");
        let listed = server.get("/v1/fulfillment-orders?status=put_back").json();
        assert_eq!(listed["items"][0]["id"], merged["id"]);
        let level = || server.get("/v1/stock/mug").json()["nodes"][0].clone();
        assert_eq!((&level()["quality_control"], &level()["available"]), (&json!(3), &json!(1)));
        assert_eq!(server.done("POST", &format!("{first}/put_back"), &whole)["status"], "cancelled");
        assert_eq!((&level()["quality_control"], &level()["available"]), (&json!(0), &json!(4)));
        let late = server.ask("POST", &format!("{first}/put_back"), &whole);
        assert_eq!((late.status, late.code().as_str()), (409, "illegal_transition"));
        let story = server.get(&format!("{own}/history")).json();
        let told: Vec<&str> =
            story["items"].as_array().expect("a list").iter().filter_map(|line| line["type"].as_str()).collect();
        for what in ["split", "moved", "merged", "ready", "stopped", "put_back"] {
            assert!(told.contains(&what), "{what} in {told:?}");
        }
    });
}

#[test]
fn a_shipment_is_followed_to_the_door() {
    served(|server| {
        shop(server);
        let order = place(server, "1", 2, &json!({}));
        let path = path_of(&order, 0);
        let tell = |body: &Value| server.ask("POST", &format!("{path}/tracking"), body);
        let on_its_way = json!({"events": [{"at": "2026-01-02T00:00:00Z", "status": "in_transit", "place": "Gary"}]});
        assert_eq!(tell(&on_its_way).code(), "not_shipped");
        for verb in ["accept", "pick", "pack"] {
            server.done("POST", &format!("{path}/{verb}"), &json!({}));
        }
        let shipment = json!({"carrier": "post", "service": "parcel", "tracking_number": "1Z"});
        server.done("POST", &format!("{path}/ship"), &shipment);
        let told = tell(&on_its_way).json();
        assert_eq!((&told["status"], &told["tracking"]["status"]), (&json!("shipped"), &json!("in_transit")));
        let to_the_door = json!({"estimated_at": "2026-01-05T00:00:00Z", "events": [
            {"at": "2026-01-04T09:00:00Z", "status": "delivered", "id": "e-2"},
            {"at": "2026-01-04T07:00:00Z", "status": "out_for_delivery", "text": "with the courier"},
        ]});
        let told = tell(&to_the_door).json();
        assert_eq!((&told["status"], &told["tracking"]["status"]), (&json!("delivered"), &json!("delivered")));
        assert_eq!(told["tracking"]["delivered_at"], "2026-01-04T09:00:00Z");
        assert_eq!(told["tracking"]["events"].as_array().map(Vec::len), Some(3));
        let own = server.get(&format!("/v1/orders/{}", order["id"].as_str().expect("an id"))).json();
        assert_eq!(own["status"], "fulfilled");
        assert_eq!(own["milestones"]["out_for_delivery"], "2026-01-04T07:00:00Z");
        let story = server.get(&format!("/v1/orders/{}/history", order["id"].as_str().expect("an id"))).json();
        let told = story["items"].as_array().expect("a list").iter().filter(|line| line["type"] == "tracked").count();
        assert_eq!(told, 2);
    });
}

#[test]
fn an_order_with_a_window_is_scheduled() {
    served(|server| {
        shop(server);
        let order = place(server, "1", 2, &json!({"release_at": "2099-01-01T00:00:00Z"}));
        assert_eq!(order["release_at"], "2099-01-01T00:00:00Z");
        assert_eq!(order["fulfillment_orders"][0]["status"], "scheduled");
        let early = server.ask("POST", &format!("{}/accept", path_of(&order, 0)), &json!({}));
        assert_eq!(early.code(), "illegal_transition");
        assert_eq!(early.json()["legal"], json!(["cancel", "move", "split", "merge"]));
    });
}

#[test]
fn exceptions_are_listed_assigned_and_resolved() {
    served(|server| {
        shop(server);
        place(server, "1", 9, &json!({}));
        let order = place(server, "2", 1, &json!({}));
        receive(server, "chi", -1);
        let list = |query: &str| server.get(&format!("/v1/exceptions{query}")).json()["items"].clone();
        let types = |list: &Value| -> Vec<String> {
            let cases = list.as_array().expect("a list").iter();
            cases.map(|case| case["type"].as_str().unwrap_or_default().to_owned()).collect()
        };
        assert_eq!(types(&list("")), ["stock_out", "shortfall"]);
        let out = list("?type=stock_out&status=open")[0].clone();
        assert_eq!((&out["subject"], &out["units"]), (&json!({"sku": "mug"}), &json!(1)));
        assert!(order["id"].is_string() && out["remedy"].is_string() && out["due_at"].is_string());
        let page = server.get("/v1/exceptions?limit=1").json();
        let cursor = page["next_cursor"].as_str().expect("a second page");
        assert_eq!(types(&list(&format!("?cursor={cursor}"))), ["shortfall"]);
        let path = format!("/v1/exceptions/{}", list("?type=shortfall")[0]["id"].as_str().expect("an id"));
        let assigned = server.done("POST", &format!("{path}/assign"), &json!({"owner": "floor"}));
        assert_eq!((&assigned["status"], &assigned["owner"]), (&json!("assigned"), &json!("floor")));
        assert_eq!(types(&list("?owner=floor")), ["shortfall"]);
        let resolve = || {
            let headers = "content-type: application/json\r\nidempotency-key: k\r\n";
            server.send("POST", &format!("{path}/resolve"), headers, br#"{"reason":"recounted"}"#)
        };
        let (once, again) = (resolve(), resolve());
        assert_eq!((once.json()["status"].clone(), again.json()), (json!("resolved"), once.json()));
        let late = server.ask("POST", &format!("{path}/assign"), &json!({"owner": "floor"}));
        assert_eq!((late.status, late.code().as_str()), (409, "exception_resolved"));
        assert_eq!(server.get("/v1/exceptions/x-low_stock-s-0").status, 404);
        assert_eq!(server.get("/v1/exceptions?cursor=7").code(), "invalid_cursor");
    });
}

#[test]
fn policies_are_put_and_shown() {
    served(|server| {
        shop(server);
        let terms = server.done("PUT", "/v1/nodes/chi/terms", &json!({"accept_within_s": 3600}));
        assert_eq!(terms, json!({"about": "node", "node": "chi", "accept_within_s": 3600}));
        let low = server.done("PUT", "/v1/items/mug/threshold", &json!({"node": "nyc", "units": 5}));
        assert_eq!(low, json!({"about": "threshold", "sku": "mug", "node": "nyc", "units": 5}));
        let pickup = server.done("PUT", "/v1/rejection-policies/pickup", &json!({"policy": "elsewhere"}));
        assert_eq!(pickup, json!({"about": "rejection", "delivery_method": "pickup", "policy": "elsewhere"}));
        assert_eq!(server.get("/v1/policies").json()["items"], json!([terms, low, pickup]));
        assert_eq!(server.ask("PUT", "/v1/nodes/none/terms", &json!({"accept_within_s": null})).status, 404);
        assert_eq!(
            server.ask("PUT", "/v1/rejection-policies/drone", &json!({"policy": "elsewhere"})).code(),
            "unknown_word"
        );
        // The level is looked at by the clock.
        let low = || server.get("/v1/exceptions?type=low_stock").json()["items"][0]["subject"].clone();
        assert_eq!(low(), Value::Null);
        server.tick();
        assert_eq!(low(), json!({"sku": "mug", "node": "nyc"}));
        let kept = server.done("PUT", "/v1/items/mug/safety-stock", &json!({"node": "nyc", "units": 1}));
        assert_eq!(kept, json!({"about": "safety_stock", "sku": "mug", "node": "nyc", "units": 1}));
    });
}

#[test]
fn a_refused_pickup_waits_until_somebody_says_how_it_goes_on() {
    served(|server| {
        shop(server);
        let order = place(server, "1", 2, &json!({"delivery_method": "pickup"}));
        server.done("POST", &format!("{}/reject", path_of(&order, 0)), &json!({"reason": "closed"}));
        let own = format!("/v1/orders/{}", order["id"].as_str().expect("an id"));
        let waits = server.get(&own).json();
        assert_eq!(
            (&waits["awaits_customer"], &waits["lines"][0]["buckets"]["unallocated"]),
            (&json!(true), &json!(2))
        );
        let sourced = server.done("POST", &format!("{own}/source"), &json!({}));
        assert_eq!((&sourced["status"], &sourced["awaits_customer"]), (&json!("fully_allocated"), &Value::Null));
        assert_eq!(server.ask("POST", &format!("{own}/source"), &json!({})).code(), "not_awaiting_customer");
    });
}

#[test]
fn an_exception_names_its_order_by_the_id_that_was_given() {
    served(|server| {
        shop(server);
        let order = place(server, "1", 2, &json!({"id": "web-1", "delivery_method": "pickup"}));
        assert_eq!(order["id"], "web-1");
        server.done("POST", &format!("{}/reject", path_of(&order, 0)), &json!({"reason": "closed"}));
        let asked = server.get("/v1/exceptions?type=pickup_refused").json()["items"][0].clone();
        assert_eq!((&asked["subject"], &asked["order"]), (&json!({"order": "web-1"}), &json!("web-1")));
        let path = format!("/v1/exceptions/{}", asked["id"].as_str().expect("an id"));
        assert_eq!(server.get(&path).json(), asked);
        let assigned = server.done("POST", &format!("{path}/assign"), &json!({"owner": "floor"}));
        assert_eq!(assigned["subject"]["order"], "web-1");
    });
}

#[test]
fn who_took_from_an_order_or_made_it_names_it_by_its_own_id() {
    served(|server| {
        shop(server);
        let line = json!([{"sku": "mug", "quantity": 2}]);
        server.done("POST", "/v1/reservations", &json!({"id": "cart", "owner": "c", "ttl_s": 600, "lines": line}));
        place(server, "1", 2, &json!({"id": "web-1", "reservation": "cart"}));
        let claimed = server.get("/v1/reservations/cart").json();
        assert_eq!((&claimed["state"], &claimed["order"]), (&json!("claimed"), &json!("web-1")));
        let part = json!({"id": "web-2", "lines": [{"line": "1", "quantity": 1}]});
        server.done("POST", "/v1/orders/web-1/split", &part);
        assert_eq!(server.get("/v1/orders/web-2").json()["split_from"], "web-1");
    });
}

#[test]
fn what_is_ordered_just_in_time_is_bought_and_a_supplier_ships_himself() {
    served(|server| {
        shop(server);
        let acme = json!({
            "kind": "supplier", "name": "Acme", "latitude": 44.9, "longitude": -93.2, "country": "US",
            "postal_code": "55401", "time_zone": "America/Chicago", "active": true,
        });
        assert_eq!(server.ask("PUT", "/v1/nodes/acme", &acme).status, 201);
        let jit = json!({"node": "chi", "type": "jit", "lead_time_h": 48, "supplier": "Acme", "per_day": 10});
        let put = server.done("PUT", "/v1/items/mug/supply", &jit);
        assert_eq!(
            put,
            json!({"about": "supply", "sku": "mug", "node": "chi", "type": "jit", "lead_time_h": 48, "supplier": "Acme", "per_day": 10})
        );
        let wrong =
            server.ask("PUT", "/v1/items/mug/supply", &json!({"node": "acme", "type": "jit", "lead_time_h": 1}));
        assert_eq!((wrong.status, wrong.code().as_str()), (422, "wrong_node_kind"));
        assert_eq!(server.get("/v1/stock/mug").json()["nodes"][0]["supply"], "jit");
        // Eight are there; of ten, two are bought.
        let order = place(server, "1", 10, &json!({}));
        assert_eq!(order["lines"][0]["buckets"]["backordered"], 2);
        let own = format!("/v1/orders/{}", order["id"].as_str().expect("an id"));
        let peg = server.get(&format!("{own}/pegs")).json()["items"][0].clone();
        assert_eq!((&peg["quantity"], &peg["node"]), (&json!(2), &json!("chi")));
        let document = format!("/v1/inbound/{}", peg["inbound"].as_str().expect("a purchase"));
        let purchase = server.get(&document).json();
        assert_eq!((&purchase["supplier"], &purchase["status"]), (&json!("Acme"), &json!("expected")));
        assert!(purchase["bought_at"].is_string() && purchase["lines"][0]["expected"] == 2);
        let told = server.get(&format!("{own}/history")).json()["items"].clone();
        assert!(told.as_array().expect("a list").iter().any(|told| told["type"] == "bought"), "{told}");
        let cancel = json!({"lines": [{"line": "1", "quantity": 2}], "reason": "changed mind"});
        server.done("POST", &format!("{own}/cancellations"), &cancel);
        assert_eq!(server.get(&document).json()["status"], "cancelled");
        // What the supplier announces is promised, and he ships it.
        let dropship = json!({"node": "acme", "type": "dropship", "lead_time_h": 24});
        server.done("PUT", "/v1/items/mug/supply", &dropship);
        let count = json!({"on_hand": 5, "expected": null, "source": "acme", "source_seq": 1});
        server.done("PUT", "/v1/stock/mug/acme", &count);
        let order = place(server, "2", 3, &json!({}));
        let shipment = &order["fulfillment_orders"][0];
        assert_eq!((&shipment["node"], &shipment["dropship"]["supplier"]), (&json!("acme"), &json!("acme")));
        assert_eq!(shipment["dropship"]["purchase"], shipment["id"]);
        assert!(shipment["dropship"]["ready_by"].is_string());
    });
}

#[test]
fn levels_are_kept_by_days_and_kinds_and_methods_of_delivery_have_rules_of_payment() {
    served(|server| {
        shop(server);
        let demand = server.done("PUT", "/v1/items/mug/demand", &json!({"units": 7, "days": 14}));
        assert_eq!(demand, json!({"about": "demand", "sku": "mug", "units": 7, "days": 14}));
        let kept = server.done("PUT", "/v1/safety-stock/warehouse", &json!({"days": 3}));
        assert_eq!(kept, json!({"about": "safety_stock", "kind": "warehouse", "days": 3}));
        server.tick();
        let nodes = server.get("/v1/stock/mug").json()["nodes"].clone();
        assert_eq!((&nodes[0]["safety_stock"], &nodes[1]["safety_stock"]), (&json!(2), &json!(2)));
        let own = server.done("PUT", "/v1/items/mug/safety-days", &json!({"node": "nyc", "days": 8}));
        assert_eq!(own, json!({"about": "safety_stock", "sku": "mug", "node": "nyc", "days": 8}));
        let rule = json!({"payment_before": {"release": "authorized"}, "payment_methods": ["card"]});
        let put = server.done("PUT", "/v1/payment-rules/pickup", &rule);
        assert_eq!(
            put,
            json!({
                "about": "payment", "delivery_method": "pickup", "payment_before": {"release": "authorized"},
                "payment_methods": ["card"],
            })
        );
        assert_eq!(server.ask("PUT", "/v1/payment-rules/drone", &rule).code(), "unknown_word");
        assert_eq!(server.ask("PUT", "/v1/safety-stock/moon", &json!({"units": 1})).code(), "unknown_word");
        assert_eq!(server.get("/v1/policies").json()["items"].as_array().map(Vec::len), Some(4));
    });
}

#[test]
fn a_repeated_step_is_answered_as_the_first_was_after_a_restart_too() {
    let dir = tempfile::tempdir().expect("a directory");
    let server = Served::start(dir.path());
    shop(&server);
    let order = place(&server, "1", 2, &json!({}));
    let path = format!("{}/accept", path_of(&order, 0));
    let accept =
        |server: &Served| server.send("POST", &path, "content-type: application/json\r\nidempotency-key: a\r\n", b"{}");
    let first = accept(&server);
    assert_eq!((first.status, &first.json()["status"]), (200, &json!("accepted")));
    server.done("POST", &format!("{}/pick", path_of(&order, 0)), &json!({}));
    let again = accept(&server);
    assert_eq!((again.json(), again.header("idempotent-replayed")), (first.json(), Some("true")));
    server.stop();
    let server = Served::start(dir.path());
    let again = accept(&server);
    assert_eq!((again.json(), again.header("idempotent-replayed")), (first.json(), Some("true")));
    server.stop();
}

#[test]
fn policies_of_orders_are_put_and_shown_and_milestones_tell_when_units_were_found() {
    served(|server| {
        shop(server);
        let clocks = json!({"cancel_unpaid_after_s": 3600, "deliver_after_s": 864_000});
        let put = server.done("PUT", "/v1/order-clocks/ship", &clocks);
        assert_eq!(
            (&put["about"], &put["delivery_method"], &put["clocks"]),
            (&json!("clocks"), &json!("ship"), &clocks)
        );
        let rule = json!({
            "type": "fraud", "reason": "dear", "release_on": "paid",
            "when": [
                {"condition": "total_over", "amount": {"amount": 2000, "currency": "USD"}},
                {"condition": "flag", "in": ["new_customer"]},
            ],
        });
        let put = server.done("PUT", "/v1/hold-rules/dear", &rule);
        assert_eq!((&put["about"], &put["name"], &put["hold"]), (&json!("hold"), &json!("dear"), &rule));
        assert_eq!(server.get("/v1/policies").json()["items"].as_array().map(Vec::len), Some(2));
        let held = place(server, "1", 2, &json!({"flags": ["new_customer"]}));
        assert_eq!((&held["status"], &held["holds"][0]["type"]), (&json!("on_hold"), &json!("fraud")));
        let found = &held["milestones"];
        assert_eq!((&found["allocated"], &found["assigned_location"]), (&found["received"], &found["received"]));
        assert_eq!(place(server, "2", 2, &json!({}))["status"], "fully_allocated");
        let waits = place(server, "3", 9, &json!({}));
        assert!(waits["milestones"]["assigned_location"].is_string() && waits["milestones"]["allocated"].is_null());
        assert_eq!(server.ask("PUT", "/v1/order-clocks/drone", &clocks).code(), "unknown_word");
        assert_eq!(server.ask("PUT", "/v1/hold-rules/a%20b", &rule).code(), "invalid_id");
    });
}
