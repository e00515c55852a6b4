export { type BoardOptions, ChallengeBoard, CHALLENGE_STEPS } from "./board.js";
export { checkRows, Product } from "./product.js";
export { addChallengeRoutes } from "./routes.js";
export { CHALLENGE_MIGRATIONS, type ChallengeTables } from "./tables.js";
export { challengeFor, type ChallengeTerms } from "./terms.js";
