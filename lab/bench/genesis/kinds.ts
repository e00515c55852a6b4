/** Plans that the benchmark deploys, by name. */
export const PLANS = ["default", "largest"] as const;

export type PlanName = (typeof PLANS)[number];

/** Who sends a deployment: an account with a key, or a Safe, which on an L2 logs all that it is given. */
export const SENDERS = ["key", "Safe", "SafeL2"] as const;

export type SenderName = (typeof SENDERS)[number];
