// The page to read the API's document: asks for it once and shows what it says. What a reader sees of an operation is made when
// it is opened; nothing here knows an endpoint.
"use strict";

const STRINGS = {
	find: ["Search: path, word, role …  ( / )", "Buscar: ruta, palabra, rol …  ( / )"],
	about: ["How it works", "Cómo funciona"],
	asking: ["Loading …", "Cargando …"],
	lost: ["The document did not come. Try again shortly.", "El documento no llegó. Intente de nuevo en breve."],
	nothing: ["Nothing matches.", "Nada coincide."],
	anybody: ["no session needed", "sin sesión"],
	approved: ["approved organization", "organización aprobada"],
	parameters: ["Parameters", "Parámetros"],
	body: ["Body", "Cuerpo"],
	answers: ["Answers", "Respuestas"],
	example: ["Call", "Llamada"],
	name: ["name", "nombre"],
	kind: ["type", "tipo"],
	meaning: ["meaning", "significado"],
	place: ["in", "en"],
	code: ["code", "código"],
	required: ["required", "obligatorio"],
	headers: ["headers", "encabezados"],
	other: ["any", "otras"],
	characters: ["characters", "caracteres"],
	one_of: ["one of", "uno de"],
	from: ["from", "desde"],
	to: ["to", "hasta"],
	above: ["above", "mayor que"],
	below: ["below", "menor que"],
	preset: ["if not given:", "si no se da:"],
	or_null: ["or null", "o null"],
	copy: ["copy", "copiar"],
	copied: ["copied", "copiado"],
};

const spanish = navigator.language.startsWith("es");
const say = (name) => STRINGS[name][spanish ? 1 : 0];
const byId = (id) => document.getElementById(id);

function make(tag, className = "", ...inside) {
	const node = document.createElement(tag);
	if (className)
		node.className = className;
	node.append(...inside);
	return node;
}

// --- the document ---

let doc;
const texts = {}; // of each code, in the reader's language

// What a node says, by reference or itself; what stands beside a reference wins.
function resolve(node) {
	if (!node?.$ref)
		return node;
	const target = node.$ref.slice(2).split("/").reduce((at, name) => at[name], doc);
	return { ...resolve(target), ...node, $ref: undefined };
}

// The few forms of Markdown that the document uses: paragraphs, headings, tables, `code`.
function inline(text) {
	return text.split("`").map((part, i) => i % 2 ? make("code", "", part) : part);
}

function table(heads, rows) {
	const head = make("tr", "", ...heads.map((text) => make("th", "", text)));
	const body = rows.map((cells) => make("tr", "", ...cells.map((cell, i) => make(i ? "td" : "th", "", ...[cell].flat()))));
	head.childNodes.forEach((cell) => { cell.scope = "col"; });
	body.forEach((row) => { row.firstChild.scope = "row"; });
	return make("div", "scroll", make("table", "", make("thead", "", head), make("tbody", "", ...body)));
}

function block(text) {
	if (text.startsWith("## ")) {
		const [title, ...rest] = text.slice(3).split("\n");
		return [make("h4", "", title), ...rest.length ? [make("p", "", ...inline(rest.join(" ")))] : []];
	}
	if (text.startsWith("|")) {
		const rows = text.trim().split("\n").map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()));
		return [table(rows[0], rows.slice(2))];
	}
	return [make("p", "", ...inline(text))];
}

const markdown = (text) => make("div", "prose", ...text.trim().split("\n\n").flatMap(block));

// --- schemas ---

function typeOf(schema) {
	const named = resolve(schema);
	if (named.oneOf)
		return `${typeOf(named.oneOf[0])} ${say("or_null")}`;
	const types = [named.type].flat().filter((type) => type !== "null");
	const word = named.format && named.format !== "int64" ? named.format : types.join(" | ");
	return named.type?.includes("null") && Array.isArray(named.type) ? `${word} ${say("or_null")}` : word;
}

// Its rules in words.
function rulesOf(schema) {
	const rules = [];
	if (schema.minLength !== undefined && !schema.enum)
		rules.push(`${schema.minLength}–${schema.maxLength} ${say("characters")}`);
	if (schema.enum)
		rules.push(`${say("one_of")} ${schema.enum.filter((value) => value !== null).join(", ")}`);
	for (const [keyword, word] of [["minimum", "from"], ["exclusiveMinimum", "above"], ["maximum", "to"], ["exclusiveMaximum", "below"]])
		if (schema[keyword] !== undefined)
			rules.push(`${say(word)} ${schema[keyword].toLocaleString("en", { useGrouping: false })}`);
	if (schema.default !== undefined)
		rules.push(`${say("preset")} ${schema.default}`);
	if (schema.pattern && !schema.enum)
		rules.push(schema.pattern);
	return rules.join("; ");
}

function meaning(schema, words) {
	const rules = rulesOf(schema);
	return [...inline(words ?? schema.description ?? ""), ...rules ? [make("span", "rule", rules)] : []];
}

const needed = (is) => is ? [make("span", "need", ` ${say("required")}`)] : [];

// A row for each member, those of members too: "lot.code", "events[].kind".
function members(schema, before = "", taken = false) {
	const whole = resolve(schema);
	return Object.entries(whole.properties ?? {}).flatMap(([name, node]) => {
		const member = resolve(node), label = before + name;
		const part = member.oneOf ? resolve(member.oneOf[0]) : member.type === "array" ? resolve(member.items) : member;
		const row = [[make("code", "", label), ...needed(taken && whole.required?.includes(name))], typeOf(member), meaning(member)];
		return [row, ...part.properties ? members(part, `${label}${member.type === "array" ? "[]" : ""}.`) : []];
	});
}

const memberTable = (schema, taken) => table([say("name"), say("kind"), say("meaning")], members(schema, "", taken));

function code(text) {
	const button = make("button", "copy", say("copy"));
	button.type = "button";
	button.addEventListener("click", async () => {
		await navigator.clipboard.writeText(text);
		button.textContent = say("copied");
	});
	const pre = make("pre", "", text);
	pre.tabIndex = 0;
	return make("div", "", ...navigator.clipboard ? [button] : [], pre);
}

const json = (value) => JSON.stringify(value, null, 2);

// --- one operation ---

const parametersOf = (operation) => (operation.parameters ?? []).map(resolve);

function curl(operation) {
	const server = doc.servers[0].url === "/" ? location.origin : doc.servers[0].url;
	const content = operation.requestBody?.content["application/json"];
	let path = operation.path;
	const lines = [];
	for (const p of parametersOf(operation)) {
		if (p.in === "path")
			path = path.replace(`{${p.name}}`, encodeURIComponent(p.example));
		if (p.in === "header" && (p.required || p.name === "Idempotency-Key"))
			lines.push(`-H '${p.name}: ${p.example}'`);
	}
	if (!operation.security)
		lines.unshift("-H \"Authorization: Bearer $TOKEN\"");
	if (content)
		lines.push("-H 'Content-Type: application/json'", `-d '${json(content.example)}'`);
	const method = operation.method === "GET" || operation.method === "POST" && content ? "" : `-X ${operation.method} `;
	return [`curl ${method}'${server}${path}'`, ...lines].join(" \\\n  ");
}

function showParameters(operation) {
	const rows = parametersOf(operation).map((p) =>
		[[make("code", "", p.name), ...needed(p.required)], p.in, typeOf(p.schema), meaning({ ...p.schema, description: "" }, p.description)]);
	return [make("h3", "", say("parameters")), table([say("name"), say("place"), say("kind"), say("meaning")], rows)];
}

function showBody(operation) {
	const content = operation.requestBody?.content["application/json"];
	return content ? [make("h3", "", say("body")), memberTable(content.schema, true)] : [];
}

function showContent([type, content]) {
	const examples = Object.entries(content.examples ?? {});
	if (examples.length) {
		const rows = examples.map(([name]) => [make("code", "", name), texts[name]]);
		return [table([say("code"), say("meaning")], rows), code(json(resolve(examples.at(-1)[1]).value))];
	}
	if (content.example === undefined)
		return [make("p", "", type)];
	return [memberTable(content.schema), code(json(content.example))];
}

function showAnswer(status, node) {
	const answer = resolve(node), contents = Object.entries(answer.content ?? {});
	const codes = contents.flatMap(([, content]) => Object.keys(content.examples ?? {}));
	const words = codes.length ? codes.join(", ") : answer.description;
	const details = make("details", "answer", make("summary", "", make("b", "", status === "default" ? say("other") : status), ` ${words}`));
	const headers = Object.keys(answer.headers ?? {}).join(", ");
	details.addEventListener("toggle", () => {
		if (details.children.length === 1)
			details.append(make("div", "", make("p", "rule", `${say("headers")}: ${headers}`), ...contents.flatMap(showContent)));
	});
	details.open = status < 300;
	return details;
}

function rolesOf(operation) {
	const words = operation.security ? [say("anybody")] : [...operation["x-roles"]];
	if (operation["x-approved"])
		words.push(say("approved"));
	return make("ul", "roles", ...words.map((word) => make("li", "", word)));
}

function showOperation(operation) {
	return [rolesOf(operation), markdown(operation.description), ...showParameters(operation), ...showBody(operation),
		make("h3", "", say("example")), code(curl(operation)),
		make("h3", "", say("answers")), ...Object.entries(operation.responses).map(([status, node]) => showAnswer(status, node))];
}

function makeOperation(operation) {
	const details = byId("operation").content.firstElementChild.cloneNode(true);
	const method = details.querySelector(".method"), body = details.querySelector(".body");
	method.textContent = operation.method;
	method.classList.add(operation.method.toLowerCase());
	details.querySelector(".path").textContent = operation.path;
	details.querySelector(".words").textContent = operation.summary;
	details.id = operation.operationId;
	details.addEventListener("toggle", () => {
		if (details.open && !body.firstChild)
			body.append(...showOperation(operation));
	});
	return details;
}

// --- the whole ---

let operations = [];

function haystack(operation) {
	return [operation.method, operation.path, operation.summary, operation.description, operation.operationId,
		...operation.tags, ...operation["x-roles"]].join(" ").toLowerCase();
}

function filter() {
	const words = byId("find").value.toLowerCase().split(/\s+/).filter(Boolean);
	for (const operation of operations) {
		const hidden = !words.every((word) => operation.haystack.includes(word));
		operation.node.hidden = hidden;
		operation.link.hidden = hidden;
	}
	for (const part of document.querySelectorAll("main > section, nav > div"))
		part.hidden = !part.querySelector(".operation:not([hidden]), a:not([hidden])");
	byId("about").hidden = words.length > 0;
	byId("state").textContent = operations.every((o) => o.node.hidden) ? say("nothing") : "";
}

function openNamed() {
	const details = byId(location.hash.slice(1));
	if (details?.tagName === "DETAILS") {
		details.open = true;
		details.scrollIntoView();
	}
}

function showGroup(tag) {
	const own = operations.filter((operation) => operation.tags[0] === tag.name);
	for (const operation of own) {
		operation.node = makeOperation(operation);
		operation.link = make("a", "", operation.summary);
		operation.link.href = `#${operation.operationId}`;
		operation.link.addEventListener("click", () => setTimeout(openNamed)); // also when it is the address already
	}
	document.querySelector("main").append(make("section", "", make("h2", "", tag.name), make("p", "", tag.description),
		...own.map((operation) => operation.node)));
	document.querySelector("nav").append(make("div", "", make("h2", "", tag.name), ...own.map((operation) => operation.link)));
}

function show() {
	byId("version").textContent = doc.info.version;
	byId("about").querySelector("div").append(markdown(doc.info.description));
	for (const schema of Object.values(doc.components.schemas))
		for (const row of schema["x-codes"] ?? [])
			texts[row.code] = spanish ? row.es : row.en;
	operations = Object.entries(doc.paths).flatMap(([path, item]) =>
		Object.entries(item).map(([method, operation]) => ({ ...operation, path, method: method.toUpperCase() })));
	for (const operation of operations)
		operation.haystack = haystack(operation);
	doc.tags.forEach(showGroup);
	filter();
	openNamed();
}

async function start() {
	document.documentElement.lang = spanish ? "es" : "en";
	byId("find").placeholder = say("find");
	byId("find").ariaLabel = say("find");
	byId("about").querySelector("summary").textContent = say("about");
	byId("state").textContent = say("asking");
	try {
		const answer = await fetch("v1/openapi.json");
		doc = answer.ok ? await answer.json() : null;
	} catch {
		// Told below: nothing came.
	}
	if (doc)
		show();
	else
		byId("state").textContent = say("lost");
}

byId("find").addEventListener("input", filter);
addEventListener("hashchange", openNamed);
addEventListener("keydown", (event) => {
	if (event.key === "/" && event.target.tagName !== "INPUT") {
		event.preventDefault();
		byId("find").focus();
	}
});
start();
