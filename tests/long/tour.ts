// The README's tour by a client that was made of the document alone: what it asks and what it is told are of the types there.
import createClient from "openapi-fetch";
import type { components, paths } from "./api.js";

declare const process: { argv: string[] };
const [url = "", email = "", password = ""] = process.argv.slice(2);

type Lot = components["schemas"]["Lot"];
type Problem = components["schemas"]["Problem"];

let token = "";
const client = createClient<paths>({ baseUrl: url });
client.use({ onRequest: ({ request }) => token ? request.headers.set("Authorization", `Bearer ${token}`) : undefined });

function must(holds: boolean, what: string): asserts holds {
	if (!holds)
		throw new Error(what);
}

function given<T>(answer: { data?: T; error?: unknown; response: Response }, status: number): T {
	must(answer.response.status === status && answer.data !== undefined,
		`${answer.response.url}: ${answer.response.status} ${JSON.stringify(answer.error)}`);
	return answer.data;
}

const login = given(await client.POST("/v1/auth/login", { body: { email, password } }), 200);
token = login.access_token;
const me = given(await client.GET("/v1/me"), 200);
must(me.role === "PRODUCER" && me.organization?.approved === true, "the account is another");

const product = given(await client.POST("/v1/products", { body: { name: "Aguacate Hass 4 kg", commodity: "avocado", variety: "Hass" } }), 201);
const place = given(await client.POST("/v1/locations", { body: { name: "Huerta La Ceiba", kind: "FARM", country: "MX" } }), 201);

const order = {
	params: { header: { "Idempotency-Key": "tour-1" } },
	body: { product_id: product.id, origin_id: place.id, code: "TOUR-1", quantity: "1250.50", uom: "KGM" as const },
};
const first = await client.POST("/v1/lots", order), second = await client.POST("/v1/lots", order);
const lot: Lot = given(first, 201);
must(given(second, 201).id === lot.id && second.response.headers.get("Idempotency-Replayed") === "true", "it was done twice");
must(lot.quantity === "1250.50" && lot.status === "REGISTERED", "the lot is another");

const at = { params: { path: { id: lot.id } } };
given(await client.POST("/v1/lots/{id}/events", { ...at, body: { kind: "HARVEST", at: "2026-05-01T07:30:00-06:00", location_id: place.id } }), 201);
given(await client.POST("/v1/lots/{id}/events", { ...at, body: { kind: "PACKAGING", at: "2026-05-01T13:00:00-06:00", temperature_c: 6.5 } }), 201);
const proof = given(await client.GET("/v1/lots/{id}/verify", at), 200);
must(proof.valid && proof.events === 2 && proof.first_broken === null, "the chain does not add up");

const kinds: string[] = [];
for (let cursor: string | undefined; ;) {
	const page = given(await client.GET("/v1/lots/{id}/events", { params: { path: { id: lot.id }, query: { limit: 1, cursor } } }), 200);
	kinds.push(...page.items.map((event) => event.kind));
	if (!page.next_cursor)
		break;
	cursor = page.next_cursor;
}
must(kinds.join() === "HARVEST,PACKAGING", "its history is another");

const seen = await client.GET("/v1/products/{id}", { params: { path: { id: product.id } } });
const change = (tag: string) => client.PATCH("/v1/products/{id}",
	{ params: { path: { id: product.id }, header: { "If-Match": tag } }, body: { variety: "Méndez" } });
const tag = seen.response.headers.get("ETag") ?? "";
must(given(await change(tag), 200).variety === "Méndez", "it was not changed");
const late: Problem | undefined = (await change(tag)).error;
must(late?.code === "precondition_failed", "a change of what has changed since");

const trace = given(await client.GET("/t/{public_code}", { params: { path: { public_code: lot.public_code } } }), 200);
must(trace.verified && trace.badge === "PARTIAL" && trace.events[0]?.kind === "HARVEST", "the public sees another history");

// A mistake that the types would not let through, for the problem it is told.
const wrong = { code: "", quantity: "-1", colour: "green" } as unknown as typeof order.body;
const refused = await client.POST("/v1/lots", { body: wrong, params: { header: { "Accept-Language": "es" } } });
const codes = refused.error?.errors?.map((fault) => `${fault.pointer} ${fault.code}`) ?? [];
must(refused.response.status === 422 && codes.includes("/colour unknown_field") && codes.includes("/product_id required"), codes.join());

const out = await client.POST("/v1/auth/logout");
must(out.response.status === 204, "the session has not ended");
must((await client.GET("/v1/me")).error?.code === "unauthenticated", "the token lives on");
console.log("the tour is done");
