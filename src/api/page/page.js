// The operators' page: asks /status once a second and shows what it says. Every figure is the server's; only the history of
// the last two minutes is kept here.
"use strict";

const EVERY_MS = 1000;
const ANSWER_MS = 3000; // a later answer is none
const HISTORY_MS = 120000;
const GAP_MS = 5000; // a line is not drawn through a time of which nothing is known
const NEARLY_ALL = 0.9, HALF = 0.5;
const LAST_FEW = 5; // seconds over which "all are busy" is judged: a single look is chance

const STRINGS = {
	version: ["version", "versión"],
	revision: ["revision", "revisión"],
	up: ["up", "en marcha"],
	use: ["workers use", "los workers usan"],
	cores: ["cores", "núcleos"],
	starting: ["starting", "arrancando"],
	idle: ["idle", "libre"],
	busy: ["busy", "ocupado"],
	draining: ["draining", "terminando"],
	stuck: ["stuck", "atascado"],
	of: ["of", "de"],
	waiting: ["waiting", "en espera"],
	oldest: ["oldest waits, ms", "la más antigua espera, ms"],
	rate: ["requests / s", "peticiones / s"],
	service: ["service ms, p50 · p95 · p99", "servicio ms, p50 · p95 · p99"],
	queue: ["queue ms, p50 · p95 · p99", "cola ms, p50 · p95 · p99"],
	cpu: ["CPU ms a request", "CPU ms por petición"],
	postgres: ["PostgreSQL ms a request", "PostgreSQL ms por petición"],
	redis: ["Redis ms a request", "Redis ms por petición"],
	pss: ["memory (PSS), MiB", "memoria (PSS), MiB"],
	shed: ["refused", "rechazadas"],
	shed_rate: ["refused / s", "rechazadas / s"],
	restarts: ["replaced", "reemplazados"],
	none: ["none", "ninguno"],
	most: ["most", "máximo"],
	workers: ["workers", "workers"],
	pid: ["pid", "pid"],
	state: ["state", "estado"],
	age: ["age", "edad"],
	requests: ["requests", "peticiones"],
	request: ["request", "petición"],
	in_ms: ["ms in it", "ms en curso"],
	all_well: ["All well.", "Todo bien."],
	asking: ["Asking …", "Preguntando …"],
	lost: ["The pool cannot be reached since", "No se puede alcanzar el pool desde las"],
	is_draining: ["Draining: it finishes what it has accepted and ends.",
		"Terminando: acaba lo que aceptó y se detiene."],
	are_stuck: ["Workers are stuck in {}.", "Hay workers atascados en {}."],
	all_busy: ["All workers are busy in {}.", "Todos los workers están ocupados en {}."],
	bind: ["Workers bind in {}: nearly all are busy, the processors less than half. agrobridge size says how many would do.",
		"Faltan workers en {}: casi todos están ocupados, los procesadores menos de la mitad. agrobridge size dice cuántos bastan."],
};
const SIGNS = { idle: "·", busy: "B", starting: "+", draining: "↓", stuck: "!" };

const spanish = navigator.language.startsWith("es");
const say = (name, of) => STRINGS[name][spanish ? 1 : 0].replace("{}", of);

function number(value) {
	const digits = value < 10 ? 2 : value < 100 ? 1 : 0;
	return value.toLocaleString(spanish ? "es" : "en", { maximumFractionDigits: digits });
}

function duration(seconds) {
	const [unit, name] = seconds < 100 ? [1, "s"] : seconds < 6000 ? [60, "min"] : seconds < 360000 ? [3600, "h"] : [86400, "d"];
	return `${Math.floor(seconds / unit)} ${name}`;
}

// Counted from the list, not the server's sum of a moment before: picture and figure shall say the same.
const inState = (group, state) => group.workers.filter((w) => w.state === state).length;

const percentiles = (times) => [times.p50, times.p95, times.p99].map(number).join(" · ");

function restarts(reasons) {
	const happened = Object.entries(reasons).filter(([, count]) => count);
	return happened.map(([reason, count]) => `${reason} ${count}`).join(", ") || say("none");
}

// What is shown of a group, in this order.
const FIGURES = [
	["busy", (g) => `${inState(g, "busy")} ${say("of")} ${g.configured}`],
	["waiting", (g) => `${g.queue.depth} ${say("of")} ${g.queue.limit}`],
	["oldest", (g) => number(g.queue.age_ms)],
	["rate", (g) => number(g.rps)],
	["service", (g) => percentiles(g.service_ms)],
	["queue", (g) => percentiles(g.queue_ms)],
	["cpu", (g) => number(g.cpu_ms_per_request)],
	["postgres", (g) => number(g.postgres_ms)],
	["redis", (g) => number(g.redis_ms)],
	["pss", (g) => number(g.pss_bytes / 2 ** 20)],
	["shed", (g) => number(g.shed_total)],
	["restarts", (g) => restarts(g.restarts)],
];

// What is drawn of it: `before` is the sample a second ago; `full` the least height of the picture.
const LINES = [
	["busy", (g) => inState(g, "busy"), (g) => g.configured],
	["waiting", (g) => g.queue.depth, () => 1],
	["rate", (g) => g.rps, () => 1],
	["shed_rate", (g, before, seconds) => before ? Math.max(0, g.shed_total - before.shed_total) / seconds : 0, () => 1],
];

const COLUMNS = [
	["pid", (w) => w.pid],
	["state", (w) => say(w.state)],
	["request", (w) => w.route ?? "", "request"],
	["in_ms", (w) => w.in_ms ? number(w.in_ms) : "", "number"],
	["requests", (w) => number(w.requests), "number"],
	["age", (w) => duration(w.age_seconds), "number"],
];

// --- the document: nodes are made once and then only changed, so that focus, selection and readers are left in peace ---

const byId = (id) => document.getElementById(id);
const fromTemplate = (id) => byId(id).content.firstElementChild.cloneNode(true);

function put(node, text) {
	if (node.textContent !== String(text))
		node.textContent = text;
}

function set(node, name, value) {
	if (node.getAttribute(name) !== value)
		node.setAttribute(name, value);
}

function make(tag, className, text = "") {
	const node = document.createElement(tag);
	node.className = className;
	node.textContent = text;
	return node;
}

// Leaves `parent` with `count` children.
function resize(parent, count, makeOne) {
	while (parent.children.length > count)
		parent.lastElementChild.remove();
	while (parent.children.length < count)
		parent.append(makeOne());
}

function showSign(node, state) {
	put(node, SIGNS[state]);
	set(node, "class", `sign ${state}`);
}

// --- history ---

const samples = []; // { at, status }, of the last two minutes

const groupOf = (sample, name) => sample.status.groups.find((g) => g.name === name);

function line(name, value) {
	return samples.map((sample, i) => {
		const before = samples[i - 1];
		const group = groupOf(sample, name);
		return { at: sample.at, value: value(group, before && groupOf(before, name), before && (sample.at - before.at) / 1000) };
	});
}

function draw(figure, [name, value, full], group) {
	const points = line(group.name, value), now = points.at(-1);
	const most = Math.max(...points.map((p) => p.value)), height = Math.max(most, full(group));
	const path = points.map((p, i) => {
		const move = i && p.at - points[i - 1].at < GAP_MS ? "L" : "M";
		return `${move}${(120 - (now.at - p.at) * 120 / HISTORY_MS).toFixed(1)} ${(31 - 30 * p.value / height).toFixed(1)}`;
	});
	const words = [say(name), `${number(now.value)} (${say("most")} ${number(most)})`];
	figure.querySelectorAll("figcaption span").forEach((node, i) => put(node, words[i]));
	set(figure.querySelector("svg"), "aria-label", words.join(" "));
	set(figure.querySelector("path"), "d", path.join(""));
}

// --- one group ---

function makeGroup(name) {
	const section = fromTemplate("group");
	put(section.querySelector("h2"), name);
	put(section.querySelector("summary"), say("workers"));
	set(section.querySelector(".scroll"), "aria-label", `${say("workers")} ${name}`);
	for (const [figure] of FIGURES) {
		const pair = make("div", "");
		pair.append(make("dt", "", say(figure)), make("dd", figure));
		section.querySelector("dl").append(pair);
	}
	for (const [column, , kind] of COLUMNS) {
		const head = make("th", kind ?? "", say(column));
		head.scope = "col";
		section.querySelector("thead tr").append(head);
	}
	section.querySelector(".lines").append(...LINES.map(() => fromTemplate("line")));
	section.id = name;
	return section;
}

function makeRow() {
	const row = make("tr", "");
	COLUMNS.forEach(([, , kind], i) => row.append(make(i ? "td" : "th", kind ?? "")));
	row.cells[0].scope = "row";
	row.cells[1].append(make("span", "sign"), make("span", ""));
	row.cells[1].firstChild.ariaHidden = "true";
	row.querySelector(".request").append(make("span", ""), make("span", "query"));
	return row;
}

function showWorker(row, worker) {
	COLUMNS.forEach(([, text], i) => put(row.cells[i].querySelector("span:not(.sign)") ?? row.cells[i], text(worker)));
	showSign(row.querySelector(".sign"), worker.state);
	put(row.querySelector(".query"), worker.query ? ` ${worker.query}` : "");
}

function showGroup(section, group) {
	const strip = section.querySelector(".strip"), body = section.querySelector("tbody");
	const counts = Object.keys(SIGNS).map((state) => [say(state), inState(group, state)]);
	resize(strip, group.workers.length, () => make("span", "sign"));
	resize(body, group.workers.length, makeRow);
	group.workers.forEach((worker, i) => {
		showSign(strip.children[i], worker.state);
		set(strip.children[i], "title", `${worker.pid} ${say(worker.state)} ${worker.route ?? ""}`.trim());
		showWorker(body.rows[i], worker);
	});
	set(strip, "aria-label", counts.filter(([, n]) => n).map(([state, n]) => `${n} ${state}`).join(", "));
	for (const [name, text] of FIGURES)
		put(section.querySelector(`dd.${name}`), text(group));
	LINES.forEach((row, i) => draw(section.querySelectorAll("figure")[i], row, group));
}

// --- the whole ---

const coresUsed = (status) => status.groups.reduce((sum, g) => sum + g.rps * g.cpu_ms_per_request / 1000, 0);

// Groups nearly all of whose workers were busy over the last few seconds. The operators' own is left out: it serves this page.
function full(status) {
	const last = samples.slice(-LAST_FEW);
	const share = (name) => last.reduce((sum, sample) => {
		const g = groupOf(sample, name);
		return sum + inState(g, "busy") / g.configured / last.length;
	}, 0);
	return status.groups.map((g) => g.name).filter((name) => name !== "ops" && share(name) >= NEARLY_ALL);
}

// How it is in one sentence, the worst first, and its colour.
function verdict(status) {
	const stuck = status.groups.filter((g) => g.stuck).map((g) => g.name);
	const busy = full(status);
	if (stuck.length)
		return [say("are_stuck", stuck.join(", ")), "bad"];
	if (status.draining)
		return [say("is_draining"), "warn"];
	if (busy.length && coresUsed(status) < HALF * status.cores)
		return [say("bind", busy.join(", ")), "warn"];
	if (busy.length)
		return [say("all_busy", busy.join(", ")), "warn"];
	return [say("all_well"), ""];
}

function showState([text, kind], known) {
	put(byId("state"), text);
	set(byId("state"), "class", kind);
	document.querySelector("main").classList.toggle("stale", !known);
	document.title = kind ? `${text.split(/[:.]/)[0]} · AgroBridge` : "AgroBridge";
}

function show(status) {
	const main = document.querySelector("main"), now = Date.now();
	samples.push({ at: now, status });
	while (now - samples[0].at > HISTORY_MS)
		samples.shift();
	put(byId("build"), [`${say("version")} ${status.version}`, `${say("revision")} ${status.revision.slice(0, 12)}`,
		`pid ${status.pid}`, `${say("up")} ${duration(status.uptime_seconds)}`,
		`${say("use")} ${Math.round(100 * coresUsed(status) / status.cores)} % ${say("of")} ${number(status.cores)} ${say("cores")}`,
	].join(" · "));
	for (const group of status.groups) {
		if (!byId(group.name))
			main.append(makeGroup(group.name));
		showGroup(byId(group.name), group);
	}
	showState(verdict(status), true);
}

let heard = Date.now(); // when the last answer came

async function ask() {
	const began = Date.now();
	let status = null, why = "";
	try {
		const answer = await fetch("status", { cache: "no-store", signal: AbortSignal.timeout(ANSWER_MS) });
		why = answer.ok ? "" : ` (HTTP ${answer.status})`;
		status = answer.ok ? await answer.json() : null;
	} catch {
		// Told below: nothing came.
	}
	setTimeout(ask, Math.max(0, EVERY_MS - (Date.now() - began)));
	if (status) {
		heard = Date.now();
		show(status);
	} else {
		showState([`${say("lost")} ${new Date(heard).toLocaleTimeString(spanish ? "es" : "en-GB")}${why}.`, "bad"], false);
	}
}

document.documentElement.lang = spanish ? "es" : "en";
for (const [state, sign] of Object.entries(SIGNS)) {
	const item = make("li", "");
	item.append(make("span", `sign ${state}`, sign), say(state));
	byId("legend").append(item);
}
put(byId("state"), say("asking"));
ask();
