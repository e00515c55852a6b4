import { Hono } from "hono";
import { client, graphql } from "ponder";
import { db } from "ponder:api";
import schema from "ponder:schema";

/** Tables by their own names; the views that give SQL the same are left out. */
const queried = Object.fromEntries(Object.entries(schema).filter(([name]) => !name.endsWith("View")));

const app = new Hono();

app.use("/sql/*", client({ db, schema }));
app.use("/graphql", graphql({ db, schema: queried }));

export default app;
