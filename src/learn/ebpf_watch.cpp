// SPDX-License-Identifier: Apache-2.0
#include "learn/ebpf_watch.h"

#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <map>
#include <vector>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "learn/ebpf_record.h"
#include "learn/ebpf_support.h"
#include "sys/unique_fd.h"

#include <sbx_watch.skel.h>  // made of bpf/watch.bpf.c; after the types that it shares with this file

namespace sbx::learn {
namespace {

constexpr std::uint64_t kSurveyEvery = 250'000'000;  // nanoseconds
constexpr int kMostSurveys = 16;

std::uint64_t now_ns() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(time.tv_nsec);
}

// libbpf's first warning, for the Error; its other texts are for nobody.
std::string& first_warning() {
  static std::string text;
  return text;
}

__attribute__((format(printf, 2, 0))) int keep_warning(libbpf_print_level level, const char* format,
                                                       va_list arguments) {
  if (level == LIBBPF_WARN && first_warning().empty()) {
    std::array<char, 256> line{};
    std::vsnprintf(line.data(), line.size(), format, arguments);
    first_warning() = line.data();
    first_warning().erase(std::min(first_warning().find('\n'), first_warning().size()));
  }
  return 0;
}

using NameKey = std::array<std::uint64_t, 3>;

NameKey key_of(const sbx_name_key& key) {
  return {key.hash[0], key.hash[1], std::uint64_t{key.number} << 32 | key.flags};
}

// Every element of a hash map.
template <typename Key, typename Value>
std::vector<std::pair<Key, Value>> read_map(int map) {
  constexpr std::uint32_t kBatch = 4096;
  std::vector<std::pair<Key, Value>> all;
  std::vector<Key> keys(kBatch);
  std::vector<Value> values(kBatch);
  // A place in the map, as the kernel counts it: as large as a key, or an int.
  std::array<char, std::max(sizeof(Key), sizeof(std::uint64_t))> place{};
  bool is_first = true;
  for (;;) {
    std::uint32_t count = kBatch;
    const int answer = ::bpf_map_lookup_batch(map, is_first ? nullptr : place.data(), place.data(),
                                              keys.data(), values.data(), &count, nullptr);
    if (answer != 0 && answer != -ENOENT) {
      break;
    }
    for (std::uint32_t i = 0; i < count; ++i) {
      all.emplace_back(keys[i], values[i]);
    }
    if (answer == -ENOENT) {
      break;
    }
    is_first = false;
  }
  return all;
}

void add_up(sbx_count& sum, const sbx_count& part) {
  if (part.count == 0) {
    return;
  }
  sum.first = sum.count == 0 ? part.first : std::min(sum.first, part.first);
  sum.last = std::max(sum.last, part.last);
  sum.count += part.count;
  sum.programs |= part.programs;
}

}  // namespace

struct EbpfWatch::Engine {
  EbpfOptions options;
  watch_bpf* skeleton = nullptr;
  ring_buffer* ring = nullptr;
  std::map<NameKey, NameUse> names;
  std::uint64_t start_ns = 0;
  std::uint64_t next_survey_ns = 0;

  ~Engine() {
    ::ring_buffer__free(ring);
    watch_bpf::destroy(skeleton);
  }

  static int take(void* self, void* data, std::size_t size) {
    constexpr std::size_t kHead = offsetof(sbx_record, data);
    if (size < kHead) {
      return 0;
    }
    NameUse use;
    std::memcpy(&use.record, data, kHead);
    const std::string_view bytes(static_cast<const char*>(data) + kHead, size - kHead);
    use.bytes = bytes.substr(0, use.record.length);
    if (use.record.base == SBX_KNOWN && use.record.length <= bytes.size()) {
      use.base = path_of_components(bytes.substr(use.record.length, use.record.base_length));
    }
    auto& names = static_cast<Engine*>(self)->names;
    names.insert_or_assign(key_of(use.record.key), std::move(use));
    return 0;
  }

  Status load() {
    first_warning().clear();
    ::libbpf_set_print(keep_warning);
    skeleton = watch_bpf::open();
    if (skeleton == nullptr) {
      return ebpf_refused(errno, first_warning());
    }
    const auto shapes = shapes_of(options.arch, options.exact);
    std::copy(shapes.begin(), shapes.end(), skeleton->rodata->shapes);
    skeleton->rodata->cgroup = options.cgroup;
    if (::getrandom(&skeleton->rodata->seed, sizeof skeleton->rodata->seed, 0) < 0) {
      return Error{"cannot get random bytes", errno};
    }
    int answer = watch_bpf::load(skeleton);
    answer = answer != 0 ? answer : watch_bpf::attach(skeleton);
    if (answer != 0) {
      return ebpf_refused(-answer, first_warning());
    }
    ring = ::ring_buffer__new(::bpf_map__fd(skeleton->maps.ring), take, this, nullptr);
    return ring != nullptr ? Status{} : Status{ebpf_refused(errno, first_warning())};
  }

  Status mark(int pidfd, std::uint32_t state) {
    const sbx_member member{state, SBX_MOST_PROGRAMS, 0, 0, {}};
    const int answer =
        ::bpf_map_update_elem(::bpf_map__fd(skeleton->maps.members), &pidfd, &member, BPF_ANY);
    if (answer != 0 && answer != -ESRCH && answer != -ENOENT) {
      return Error{"cannot mark a process for the eBPF engine", -answer};
    }
    return {};
  }

  // The iterator does its work while it is read.
  Status survey() {
    const sys::UniqueFd iterator(::bpf_iter_create(::bpf_link__fd(skeleton->links.survey)));
    std::array<char, 256> nothing{};
    if (!iterator || ::read(iterator.get(), nothing.data(), nothing.size()) < 0) {
      return Error{"cannot look through the tasks with eBPF", errno};
    }
    return {};
  }

  EbpfRecord record() {
    EbpfRecord record;
    const auto processors = static_cast<std::size_t>(::libbpf_num_possible_cpus());
    std::vector<sbx_count> parts(processors);
    for (std::uint32_t number = 0; number < SBX_MOST_NUMBERS; ++number) {
      sbx_count sum{};
      if (::bpf_map_lookup_elem(::bpf_map__fd(skeleton->maps.numbers), &number, parts.data()) ==
          0) {
        for (const sbx_count& part : parts) {
          add_up(sum, part);
        }
      }
      if (sum.count != 0) {
        record.numbers.emplace_back(static_cast<int>(number), sum);
      }
    }
    record.classes = read_map<sbx_class_key, sbx_count>(::bpf_map__fd(skeleton->maps.classes));
    for (const auto& [key, count] :
         read_map<sbx_name_key, sbx_count>(::bpf_map__fd(skeleton->maps.names))) {
      if (const auto known = names.find(key_of(key)); known != names.end()) {
        known->second.count = count;
        record.names.push_back(std::move(known->second));
      }
    }
    using Program = std::array<char, SBX_PROGRAM_LENGTH>;
    record.programs.resize(SBX_MOST_PROGRAMS);
    for (const auto& [name, index] :
         read_map<Program, std::uint32_t>(::bpf_map__fd(skeleton->maps.program_names))) {
      if (index < record.programs.size()) {
        record.programs[index] = std::string(name.data(), ::strnlen(name.data(), name.size()));
      }
    }
    record.totals = skeleton->bss->totals;
    record.start_ns = start_ns;
    record.end_ns = now_ns();
    record.page_bytes = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    return record;
  }
};

EbpfWatch::EbpfWatch() : engine_(std::make_unique<Engine>()) {}
EbpfWatch::~EbpfWatch() = default;

Result<std::unique_ptr<EbpfWatch>> EbpfWatch::open(const EbpfOptions& options) {
  SBX_TRY(ebpf_possible(ebpf_facts()));
  std::unique_ptr<EbpfWatch> watch(new EbpfWatch);
  watch->engine_->options = options;
  SBX_TRY(watch->engine_->load());
  watch->engine_->start_ns = now_ns();
  return watch;
}

Status EbpfWatch::follow_launcher(int pidfd) {
  engine_->start_ns = now_ns();
  return engine_->mark(pidfd, SBX_LAUNCHER);
}

Status EbpfWatch::follow(std::span<const int> pidfds) {
  for (const int pidfd : pidfds) {
    SBX_TRY(engine_->mark(pidfd, SBX_WATCHED));
  }
  // A task that was made before its maker was marked may come before or after it in a survey.
  auto& bss = *engine_->skeleton->bss;
  bss.marking = 1;
  Status looked;
  for (int i = 0; i < kMostSurveys && looked; ++i) {
    const std::uint64_t before = bss.totals.marked;
    looked = engine_->survey();
    if (i > 0 && bss.totals.marked == before) {
      break;
    }
  }
  bss.marking = 0;
  return looked;
}

Status EbpfWatch::collect() {
  const int answer = ::ring_buffer__consume(engine_->ring);
  if (answer < 0 && answer != -EINTR) {
    return Error{"cannot read what the eBPF engine has seen", -answer};
  }
  if (const std::uint64_t now = now_ns(); now >= engine_->next_survey_ns) {
    engine_->next_survey_ns = now + kSurveyEvery;
    return engine_->survey();
  }
  return {};
}

int EbpfWatch::descriptor() const {
  return ::ring_buffer__epoll_fd(engine_->ring);
}

bool EbpfWatch::is_anything_left() const {
  return engine_->skeleton->bss->totals.tasks > 0;
}

Result<Observations> EbpfWatch::finish() {
  SBX_TRY(engine_->survey());
  watch_bpf::detach(engine_->skeleton);
  // Links are gone once no program of theirs runs any more; what is in the ring now is all there
  // is.
  engine_->next_survey_ns = ~0ull;
  SBX_TRY(collect());
  return observations_of(engine_->record(), engine_->options.arch, engine_->options.exact);
}

EbpfLosses EbpfWatch::losses() const {
  const sbx_totals& totals = engine_->skeleton->bss->totals;
  return {totals.lost_names, totals.lost_classes, totals.lost_tasks, totals.foreign};
}

}  // namespace sbx::learn
