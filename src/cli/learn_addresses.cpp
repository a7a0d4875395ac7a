// SPDX-License-Identifier: Apache-2.0
#include "cli/learn_addresses.h"

namespace sbx::cli {

learn::AddressAnswer answer_address(const plan::LaunchPlan& plan, const std::string& address,
                                    bool is_bind) {
  const plan::AddressRules& rules = is_bind ? plan.bind : plan.connect;
  learn::AddressAnswer answer{rules.limited, false, !plan.own_network && !rules.limited, {}};
  const auto one = is_bind ? plan::parse_bind(address, {}) : plan::parse_connect(address, {});
  if (!one) {
    return {};  // port 0, which the kernel replaces, or no address of the internet
  }
  const plan::AddressRule* rule = nullptr;
  if (one->kind == plan::AddressRule::Kind::Unix) {
    rule = is_bind ? nullptr : plan::decide_unix(rules, one->path);
    answer.limited = false;  // reached by its file, if that is visible
  } else {
    const plan::Destination place{one->transport, one->kind == plan::AddressRule::Kind::Ipv6,
                                  one->network, one->first_port};
    const plan::Destination reached = plan::reached_by(place);
    rule = is_bind ? plan::decide_bind(rules, place) : plan::decide_connect(rules, reached);
    answer.inside = plan.own_network && !is_bind && plan::is_loopback(reached);
  }
  if (rule != nullptr) {
    answer.entry = rule->text;
    answer.outside = !is_bind;
  }
  return answer;
}

}  // namespace sbx::cli
