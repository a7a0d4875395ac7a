// SPDX-License-Identifier: Apache-2.0
// Member names are a contract: programs read them (docs/events.schema.json).
//
// JSON strings are Unicode, names of files and threads are bytes: they are written escaped, as in
// the text, so that each of them can be told from every other, and unescaped when they are read.
// Texts that sbx composed have their hostile parts quoted already, and are written as they are.
#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "events/event.h"

namespace sbx::events {
namespace {

using Json = nlohmann::ordered_json;

// In the order of the variant.
constexpr std::array<std::string_view, std::variant_size_v<What>> kKinds{
    "started", "denied", "network", "limit", "crashed", "ended", "restarted"};

constexpr std::array<std::string_view, 4> kLayers{"filter", "write-exec", "network", "filesystem"};
constexpr std::array<std::string_view, 4> kEndings{"exited", "killed", "violation", "timed-out"};
constexpr std::array<std::string_view, 11> kPurposes{
    "policy",  "default",  "write-exec",   "namespaces", "publish", "network",
    "address", "families", "pretend-uid", "unknown",    "launch"};
static_assert(static_cast<std::size_t>(seccomp::Purpose::Launch) + 1 == kPurposes.size());

template <typename Enum, std::size_t count>
Enum from_word(const std::array<std::string_view, count>& words, const Json& word) {
  const auto found = std::find(words.begin(), words.end(), word.get<std::string>());
  return static_cast<Enum>(found == words.end() ? 0 : found - words.begin());
}

Json bytes(std::string_view text) {
  return escape(text);
}

std::string bytes_from(const Json& json, const char* member) {
  return unescape(json.value(member, "")).value_or("");
}

Json hex(std::uint64_t number) {
  return fmt::format("{:#x}", number);  // 64 bits do not fit into a JSON number
}

std::uint64_t hex_from(const Json& json) {
  const auto text = json.get<std::string>();
  std::uint64_t number = 0;
  if (text.starts_with("0x")) {
    std::from_chars(text.data() + 2, text.data() + text.size(), number, 16);
  }
  return number;
}

Json origin_json(const Origin& origin) {
  if (origin.source.empty()) {
    return nullptr;
  }
  Json json{{"source", bytes(origin.source.str())}};
  if (origin.line > 0) {
    json["line"] = origin.line;
  }
  return json;
}

Origin origin_from(const Json& json) {
  const auto found = json.find("origin");
  if (found == json.end() || !found->is_object()) {
    return {};
  }
  return {bytes_from(*found, "source"), found->value("line", 0), 0};
}

Json place_json(const CodePlace& place) {
  return {{"module", bytes(place.module)},
          {"offset", hex(place.offset)},
          {"function", bytes(place.function)},
          {"source", bytes(place.source)},
          {"line", place.line}};
}

CodePlace place_from(const Json& json) {
  return {bytes_from(json, "module"), hex_from(json.at("offset")), bytes_from(json, "function"),
          bytes_from(json, "source"), json.value("line", 0)};
}

void add(Json& json, const Actor& actor) {
  json["program"] = bytes(actor.program);
  json["executable"] = bytes(actor.executable);
  json["thread"] = bytes(actor.thread_name);
  json["pid"] = actor.pid_inside;
  json["pid_outside"] = actor.pid_outside;
  json["thread_outside"] = actor.thread_outside;
}

Actor actor_from(const Json& json) {
  return {bytes_from(json, "program"), bytes_from(json, "executable"), bytes_from(json, "thread"),
          json.value("pid", 0),        json.value("pid_outside", 0),  json.value("thread_outside", 0)};
}

Json remedy_json(const seccomp::Remedy& remedy) {
  Json more = Json::array();
  std::vector<std::string> lines;  // each made safe, the newlines between them kept
  for (const std::string& line : split(policy_line(remedy), '\n')) {
    lines.push_back(printable(line));
  }
  for (const seccomp::Remedy::Line& line : remedy.more) {
    more.push_back({{"key", printable(line.key)}, {"value", printable(line.value)}, {"list", line.is_list}});
  }
  return {{"text", printable(to_text(remedy))},
          {"option", printable(remedy.option)},
          {"line", join(lines, "\n")},
          {"key", printable(remedy.key)},
          {"value", printable(remedy.value)},
          {"list", remedy.is_list},
          {"advice", printable(remedy.advice)},
          {"warning", printable(remedy.warning)},
          {"more", more}};
}

seccomp::Remedy remedy_from(const Json& json) {
  seccomp::Remedy remedy{json.value("option", ""),  json.value("key", ""),
                         json.value("value", ""),   json.value("list", false),
                         json.value("advice", ""),  json.value("warning", "")};
  for (const Json& line : json.value("more", Json::array())) {
    remedy.more.push_back({line.value("key", ""), line.value("value", ""), line.value("list", false)});
  }
  return remedy;
}

void add(Json& json, const Started& started) {
  json["sbx"] = printable(started.version);
  json["supervisor"] = started.supervisor;
  json["policy_file"] = bytes(started.policy_file);
  Json& argv = json["argv"] = Json::array();
  for (const std::string& argument : started.argv) {
    argv.push_back(bytes(argument));
  }
}

void read(const Json& json, Started& started) {
  started.version = json.value("sbx", "");
  started.supervisor = json.value("supervisor", 0);
  started.policy_file = bytes_from(json, "policy_file");
  for (const Json& argument : json.at("argv")) {
    started.argv.push_back(unescape(argument.get<std::string>()).value_or(""));
  }
}

void add(Json& json, const Denied& denied) {
  json["layer"] = word(denied.layer);
  json["id"] = denied.id;
  json["count"] = denied.count;
  json["first_us"] = denied.first_us;
  json["last_us"] = denied.last_us;
  json["call"] = printable(denied.call);
  json["number"] = denied.number;
  json["arch"] = hex(denied.arch);
  Json& arguments = json["raw_arguments"] = Json::array();
  for (const std::uint64_t argument : denied.arguments) {
    arguments.push_back(hex(argument));
  }
  json["arguments"] = printable(denied.arguments_text);
  json["object"] = bytes(denied.object);
  add(json, denied.actor);
  json["location"] = to_text(denied.place);
  json["place"] = place_json(denied.place);
  Json& callers = json["callers"] = Json::array();
  for (const CodePlace& caller : denied.callers) {
    callers.push_back(place_json(caller));
  }
  json["purpose"] = kPurposes[static_cast<std::size_t>(denied.purpose)];
  json["rule"] = printable(denied.rule);
  json["origin"] = origin_json(denied.origin);
  json["answer"] = printable(denied.answer);
  json["remedy"] = remedy_json(denied.remedy);
}

void read(const Json& json, Denied& denied) {
  denied.layer = from_word<Layer>(kLayers, json.at("layer"));
  denied.id = json.value("id", 0u);
  denied.count = json.value("count", std::uint64_t{1});
  denied.first_us = json.value("first_us", std::uint64_t{0});
  denied.last_us = json.value("last_us", std::uint64_t{0});
  denied.call = json.at("call").get<std::string>();
  denied.number = json.value("number", 0);
  denied.arch = static_cast<std::uint32_t>(hex_from(json.at("arch")));
  const Json& arguments = json.at("raw_arguments");
  for (std::size_t i = 0; i < arguments.size() && i < denied.arguments.size(); ++i) {
    denied.arguments[i] = hex_from(arguments[i]);
  }
  denied.arguments_text = json.value("arguments", "");
  denied.object = bytes_from(json, "object");
  denied.actor = actor_from(json);
  denied.place = place_from(json.at("place"));
  for (const Json& caller : json.value("callers", Json::array())) {
    denied.callers.push_back(place_from(caller));
  }
  denied.purpose = from_word<seccomp::Purpose>(kPurposes, json.at("purpose"));
  denied.rule = json.value("rule", "");
  denied.origin = origin_from(json);
  denied.answer = json.value("answer", "");
  denied.remedy = remedy_from(json.at("remedy"));
}

void add(Json& json, const NetworkNote& note) {
  json["text"] = printable(note.text);
  json["origin"] = origin_json(note.origin);
}

void read(const Json& json, NetworkNote& note) {
  note = {json.at("text").get<std::string>(), origin_from(json)};
}

void add(Json& json, const LimitHit& limit) {
  json["text"] = printable(limit.text);
  json["origin"] = origin_json(limit.origin);
  json["unlisted_denials"] = limit.unlisted_denials;
}

void read(const Json& json, LimitHit& limit) {
  limit = {json.at("text").get<std::string>(), origin_from(json),
           json.value("unlisted_denials", std::uint64_t{0})};
}

void add(Json& json, const Crashed& crashed) {
  json["signal"] = crashed.signal;
  json["core_dumped"] = crashed.core_dumped;
  json["out_of_memory"] = crashed.out_of_memory;
  json["command"] = crashed.is_command;
  add(json, crashed.actor);
  json["denial"] = crashed.denial;
  json["denied_call"] = printable(crashed.denied_call);
  json["denied_before_us"] = crashed.denied_before_us;
  json["same_thread"] = crashed.same_thread;
}

void read(const Json& json, Crashed& crashed) {
  crashed.signal = json.at("signal").get<int>();
  crashed.core_dumped = json.value("core_dumped", false);
  crashed.out_of_memory = json.value("out_of_memory", false);
  crashed.is_command = json.value("command", true);
  crashed.actor = actor_from(json);
  crashed.denial = json.value("denial", 0u);
  crashed.denied_call = json.value("denied_call", "");
  crashed.denied_before_us = json.value("denied_before_us", std::uint64_t{0});
  crashed.same_thread = json.value("same_thread", false);
}

void add(Json& json, const Ended& ended) {
  json["ending"] = word(ended.ending);
  json[ended.ending == Ending::Exited ? "status" : "signal"] = ended.status;
  json["duration_us"] = ended.duration_us;
  json["denied"] = ended.denied;
}

void read(const Json& json, Ended& ended) {
  ended.ending = from_word<Ending>(kEndings, json.at("ending"));
  ended.status = json.at(ended.ending == Ending::Exited ? "status" : "signal").get<int>();
  ended.duration_us = json.value("duration_us", std::uint64_t{0});
  ended.denied = json.value("denied", std::uint64_t{0});
}

void add(Json& json, const Restarted& restarted) {
  json["count"] = restarted.count;
  json["delay_us"] = restarted.delay_us;
  json["storm"] = restarted.is_storm;
}

void read(const Json& json, Restarted& restarted) {
  restarted = {json.at("count").get<std::uint64_t>(), json.value("delay_us", std::uint64_t{0}),
               json.value("storm", false)};
}

// The alternative that this index stands for, empty.
template <std::size_t index = 0>
What make_kind(std::size_t wanted) {
  if constexpr (index < std::variant_size_v<What>) {
    return index == wanted ? What(std::in_place_index<index>) : make_kind<index + 1>(wanted);
  } else {
    return {};
  }
}

}  // namespace

std::string_view kind_of(const Event& event) {
  return kKinds[event.what.index()];
}

std::string_view word(Layer layer) {
  return kLayers[static_cast<std::size_t>(layer)];
}

std::string_view word(Ending ending) {
  return kEndings[static_cast<std::size_t>(ending)];
}

std::string to_json(const Event& event) {
  Json json{{"version", kEventVersion},
            {"event", kind_of(event)},
            {"time_us", event.time_us},
            {"run", event.run},
            {"policy", bytes(event.policy)}};
  std::visit([&](const auto& what) { add(json, what); }, event.what);
  // `replace`: a byte that is no UTF-8 must not end the supervisor by an exception.
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::optional<Event> from_json(std::string_view line) {
  // The parser's own exceptions are off, its accessors' are not: a log that something else has
  // written must end no reader.
  try {
    const Json json = Json::parse(line, nullptr, false);
    if (!json.is_object() || json.at("version").get<int>() > kEventVersion) {
      return std::nullopt;
    }
    const auto kind = std::find(kKinds.begin(), kKinds.end(), json.at("event").get<std::string>());
    if (kind == kKinds.end()) {
      return std::nullopt;
    }
    Event event;
    event.time_us = json.at("time_us").get<std::uint64_t>();
    event.run = json.value("run", "");
    event.policy = bytes_from(json, "policy");
    event.what = make_kind(static_cast<std::size_t>(kind - kKinds.begin()));
    std::visit([&](auto& what) { read(json, what); }, event.what);
    return event;
  } catch (const Json::exception&) {
    return std::nullopt;
  }
}

}  // namespace sbx::events
