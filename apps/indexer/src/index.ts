import "./buyback";
import "./nodes";
import "./oracle";
import "./orders";
import "./roles";
import "./tft";

import { onAllOthers } from "./record";

onAllOthers();
