/**
 * All planted bugs. Numbers at the front of an id are those of 64 that were thought of before
 * there was any code; the others came with it.
 *
 * @since 0.1.0
 */
import { asked } from "./asked.ts"
import { client } from "./client.ts"
import { fair } from "./fair.ts"
import { found } from "./found.ts"
import { hunted } from "./hunted.ts"
import { invented } from "./invented.ts"
import { maps } from "./maps.ts"
import { moments } from "./moments.ts"
import type { Mutant } from "./Mutant.ts"
import { operators } from "./operators.ts"
import { overlooked } from "./overlooked.ts"
import { seldom } from "./seldom.ts"
import { serverAssignment } from "./serverAssignment.ts"
import { serverMerging } from "./serverMerging.ts"
import { serverWakeup } from "./serverWakeup.ts"
import { wire } from "./wire.ts"
import { worker } from "./worker.ts"

/**
 * @since 0.1.0
 * @category constants
 */
export const mutants: ReadonlyArray<Mutant> = [
  ...serverWakeup,
  ...serverAssignment,
  ...serverMerging,
  ...wire,
  ...client,
  ...worker,
  ...asked,
  ...fair,
  ...operators,
  ...found,
  ...maps,
  ...invented,
  ...overlooked,
  ...hunted,
  ...moments,
  ...seldom
]
