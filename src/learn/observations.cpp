// SPDX-License-Identifier: Apache-2.0
#include "learn/observations.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <tuple>

#include <fmt/format.h>

namespace sbx::learn {
namespace {

auto key_of(const CallUse& use) {
  return std::tuple(use.call, use.values, use.fate, use.errno_value, use.by_policy);
}
auto key_of(const FileUse& use) {
  return use.path;
}
auto key_of(const AddressUse& use) {
  return std::tuple(use.address, use.is_bind);
}

void unite_rest(CallUse&, const CallUse&) {}
void unite_rest(FileUse& one, const FileUse& other) {
  one.doings = static_cast<std::uint8_t>(one.doings | other.doings);
}
void unite_rest(AddressUse&, const AddressUse&) {}

template <typename T>
void unite_lists(std::vector<T>& one, const std::vector<T>& other) {
  std::map<decltype(key_of(one.front())), T> all;
  for (const std::vector<T>* list : {static_cast<const std::vector<T>*>(&one), &other}) {
    for (const T& use : *list) {
      const auto [known, is_new] = all.emplace(key_of(use), use);
      if (!is_new) {
        unite(known->second.use, use.use);
        unite_rest(known->second, use);
      }
    }
  }
  one.clear();
  for (auto& [key, use] : all) {
    one.push_back(std::move(use));
  }
}

// Fields one after the other: numbers in decimal, strings with their length before them.
class Writer {
 public:
  void number(std::uint64_t value) { text_ += fmt::format("{} ", value); }
  void string(std::string_view bytes) { text_ += fmt::format("{}:{} ", bytes.size(), bytes); }
  void use(const Use& use) {
    number(use.count);
    number(use.first_us);
    number(use.last_us);
    number(use.programs.size());
    for (const std::string& program : use.programs) {
      string(program);
    }
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  std::uint64_t number() { return number_before(' '); }
  std::string string() {
    const std::uint64_t length = number_before(':');
    if (failed_ || length >= text_.size() || text_[static_cast<std::size_t>(length)] != ' ') {
      failed_ = true;
      return {};
    }
    const auto size = static_cast<std::size_t>(length);
    std::string bytes(text_.substr(0, size));
    text_.remove_prefix(size + 1);
    return bytes;
  }
  Use use() {
    Use use;
    use.count = number();
    use.first_us = number();
    use.last_us = number();
    for (std::uint64_t left = number(); left > 0 && !failed_; --left) {
      use.programs.insert(string());
    }
    return use;
  }
  bool failed() const { return failed_; }
  bool at_end() const { return text_.empty(); }

 private:
  std::uint64_t number_before(char end) {
    std::uint64_t value = 0;
    const auto [next, error] = std::from_chars(text_.data(), text_.data() + text_.size(), value);
    const auto length = static_cast<std::size_t>(next - text_.data());
    if (failed_ || error != std::errc() || length >= text_.size() || *next != end) {
      failed_ = true;
      return 0;
    }
    text_.remove_prefix(length + 1);
    return value;
  }

  std::string_view text_;
  bool failed_ = false;
};

constexpr std::string_view kMagic = "sbx-observations-1";

}  // namespace

void unite(Use& one, const Use& other) {
  if (other.count == 0) {
    return;
  }
  one.first_us = one.count == 0 ? other.first_us : std::min(one.first_us, other.first_us);
  one.last_us = std::max(one.last_us, other.last_us);
  one.count += other.count;
  one.programs.insert(other.programs.begin(), other.programs.end());
}

Observations unite(Observations one, const Observations& other) {
  unite_lists(one.calls, other.calls);
  unite_lists(one.files, other.files);
  unite_lists(one.addresses, other.addresses);
  one.peaks.tasks = std::max(one.peaks.tasks, other.peaks.tasks);
  one.peaks.memory_bytes = std::max(one.peaks.memory_bytes, other.peaks.memory_bytes);
  one.peaks.descriptors = std::max(one.peaks.descriptors, other.peaks.descriptors);
  if (!one.ready_us) {
    one.ready_us = other.ready_us;
  }
  one.length_us += other.length_us;
  one.runs += other.runs;
  one.unlisted += other.unlisted;
  return one;
}

std::string to_wire(const Observations& seen) {
  Writer out;
  out.string(kMagic);
  out.number(seen.calls.size());
  for (const CallUse& call : seen.calls) {
    out.string(call.call);
    for (const std::uint64_t value : call.values) {
      out.number(value);
    }
    out.number(static_cast<std::uint64_t>(call.fate));
    out.number(static_cast<std::uint64_t>(call.errno_value));
    out.number(call.by_policy ? 1 : 0);
    out.use(call.use);
  }
  out.number(seen.files.size());
  for (const FileUse& file : seen.files) {
    out.string(file.path);
    out.number(file.doings);
    out.use(file.use);
  }
  out.number(seen.addresses.size());
  for (const AddressUse& address : seen.addresses) {
    out.string(address.address);
    out.number(address.is_bind ? 1 : 0);
    out.use(address.use);
  }
  for (const std::uint64_t value :
       {seen.peaks.tasks, seen.peaks.memory_bytes, seen.peaks.descriptors,
        seen.ready_us ? *seen.ready_us + 1 : 0, seen.length_us, seen.runs, seen.unlisted}) {
    out.number(value);
  }
  out.string(kMagic);
  return out.take();
}

Result<Observations> from_wire(std::string_view text) {
  Reader in(text);
  Observations seen;
  const bool begins = in.string() == kMagic;
  for (std::uint64_t left = in.number(); left > 0 && !in.failed(); --left) {
    CallUse call;
    call.call = in.string();
    for (std::uint64_t& value : call.values) {
      value = in.number();
    }
    call.fate = static_cast<Fate>(std::min<std::uint64_t>(in.number(), 3));
    call.errno_value = static_cast<int>(std::min<std::uint64_t>(in.number(), 4095));
    call.by_policy = in.number() != 0;
    call.use = in.use();
    seen.calls.push_back(std::move(call));
  }
  for (std::uint64_t left = in.number(); left > 0 && !in.failed(); --left) {
    FileUse file;
    file.path = in.string();
    file.doings = static_cast<std::uint8_t>(in.number() & 0x7f);
    file.use = in.use();
    seen.files.push_back(std::move(file));
  }
  for (std::uint64_t left = in.number(); left > 0 && !in.failed(); --left) {
    AddressUse address;
    address.address = in.string();
    address.is_bind = in.number() != 0;
    address.use = in.use();
    seen.addresses.push_back(std::move(address));
  }
  seen.peaks.tasks = in.number();
  seen.peaks.memory_bytes = in.number();
  seen.peaks.descriptors = in.number();
  const std::uint64_t ready = in.number();
  seen.ready_us = ready == 0 ? std::nullopt : std::optional(ready - 1);
  seen.length_us = in.number();
  seen.runs = in.number();
  seen.unlisted = in.number();
  if (!begins || in.string() != kMagic || in.failed() || !in.at_end()) {
    return Error{"the record of the run is incomplete", 0, {},
                 "the process that watched was killed, or memory or disk was full"};
  }
  return seen;
}

}  // namespace sbx::learn
