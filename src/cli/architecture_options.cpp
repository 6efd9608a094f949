#include "cli/architecture_options.h"

namespace molrt::cli {
namespace {

CLI::Option* add_size(CLI::App& command, const std::string& name, int& value,
                      const std::string& help) {
  return command.add_option(name, value, help)
      ->check(whole_from(1))
      ->type_name("N")
      ->group("Sizes");
}

}  // namespace

std::vector<CLI::Option*> add_architecture_options(CLI::App& command,
                                                   ArchitectureOptions& options) {
  auto* arch =
      command.add_option("--arch", options.arch, "Pair kernel, dictionary and official sizes")
          ->check(CLI::IsMember({"molecule", "oled"}).description(""))
          ->type_name("{molecule|oled}")
          ->capture_default_str();
  return {arch,
          add_hydrogens_option(command, options.hydrogens),
          add_layout_option(command, options.layout),
          add_size(command, "--layers", options.layers, "[15 molecule, 8 oled]"),
          add_size(command, "--width", options.width, "A multiple of the heads [512]"),
          add_size(command, "--ffn", options.ffn, "[2048]"),
          add_size(command, "--heads", options.heads, "[64]")};
}

Model untrained_model(molrt_context* context, const ArchitectureOptions& options, uint64_t seed) {
  auto architecture = defaults(molrt_architecture_init);
  architecture.kernel = options.arch == "oled" ? MOLRT_KERNEL_LINEAR : MOLRT_KERNEL_GAUSSIAN;
  architecture.layers = options.layers;
  architecture.width = options.width;
  architecture.ffn = options.ffn;
  architecture.heads = options.heads;
  architecture.hydrogens = hydrogens_code(options.hydrogens);
  architecture.layout = layout_code(options.layout);
  architecture.seed = seed;
  molrt_model* created = nullptr;
  check(molrt_model_create_untrained(context, &architecture, &created));
  return Model(created);
}

}  // namespace molrt::cli
