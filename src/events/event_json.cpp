// SPDX-License-Identifier: Apache-2.0
// Field names are a contract: programs read them. New ones may be added, none is renamed.
#include <sys/wait.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "events/event.h"

namespace sbx::events {
namespace {

using Json = nlohmann::ordered_json;

std::string_view word(Event::Kind kind) {
  switch (kind) {
    case Event::Kind::Denied:
      return "denied";
    case Event::Kind::Network:
      return "network";
    case Event::Kind::Started:
      return "started";
    case Event::Kind::Ended:
      return "ended";
    case Event::Kind::Crashed:
      return "crashed";
    case Event::Kind::Limit:
      return "limit";
  }
  return "unknown";
}

std::string_view word(seccomp::Purpose purpose) {
  switch (purpose) {
    case seccomp::Purpose::Policy:
      return "policy";
    case seccomp::Purpose::Default:
      return "default";
    case seccomp::Purpose::WriteExec:
      return "write-exec";
    case seccomp::Purpose::Namespaces:
      return "namespaces";
    case seccomp::Purpose::Publish:
      return "publish";
    case seccomp::Purpose::Network:
      return "network";
    case seccomp::Purpose::Address:
      return "address";
    case seccomp::Purpose::Families:
      return "families";
    case seccomp::Purpose::PretendUid:
      return "pretend-uid";
    case seccomp::Purpose::Unknown:
      return "unknown";
    case seccomp::Purpose::Launch:
      return "launch";
  }
  return "unknown";
}

// JSON strings are Unicode, names of files and threads are bytes: they are shown escaped, as in
// the text, so that each of them can be told from every other.
Json bytes(std::string_view text) {
  return escape(text);
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

void add_denied(Json& json, const DeniedCall& call) {
  json["call"] = bytes(call.name);
  json["number"] = call.number;
  json["arch"] = fmt::format("{:#x}", call.arch);
  Json& arguments = json["raw_arguments"] = Json::array();
  for (const std::uint64_t argument : call.arguments) {
    arguments.push_back(fmt::format("{:#x}", argument));  // 64 bits do not fit into a JSON number
  }
  json["arguments"] =
      is_utf8(call.arguments_text) ? Json(call.arguments_text) : bytes(call.arguments_text);
  json["program"] = bytes(call.program);
  json["thread"] = bytes(call.thread_name);
  json["pid"] = call.pid_inside;
  json["pid_outside"] = call.pid_outside;
  json["location"] = bytes(call.location);
  json["purpose"] = word(call.purpose);
  json["rule"] = bytes(call.rule);
  json["origin"] = origin_json(call.origin);
  json["answer"] = bytes(call.answer);
  json["remedy"] = call.remedy;
  json["warning"] = call.warning;
  json["repeated"] = call.repeated;
}

void add_wait_status(Json& json, int status) {
  if (WIFSIGNALED(status)) {
    json["signal"] = WTERMSIG(status);
    json["core_dumped"] = WCOREDUMP(status) != 0;
  } else {
    json["status"] = WEXITSTATUS(status);
  }
}

}  // namespace

std::string to_json(const Event& event) {
  Json json{{"event", word(event.kind)}, {"time_us", event.time_us}};
  switch (event.kind) {
    case Event::Kind::Denied:
      add_denied(json, event.denied);
      break;
    case Event::Kind::Network:
    case Event::Kind::Limit:
      json["text"] = bytes(event.note.text);
      json["origin"] = origin_json(event.note.origin);
      break;
    case Event::Kind::Ended:
    case Event::Kind::Crashed:
      add_wait_status(json, event.wait_status);
      break;
    case Event::Kind::Started:
      break;
  }
  // `replace`: a byte that is no UTF-8 must not end the supervisor by an exception.
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace sbx::events
