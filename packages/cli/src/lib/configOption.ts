import { Option } from "@commander-js/extra-typings";

/** Returns the option that names a role's configuration. */
export function configOption(role: "gateway" | "keeper" | "relay" | "signer" | "watch") {
  return new Option("--config <FILE>", `configuration file, as turingfog ${role} init writes it`).makeOptionMandatory();
}
