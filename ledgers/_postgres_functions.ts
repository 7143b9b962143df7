/**
 * What workers ask of PostgreSQL all day, as functions in the database: one statement each, so that no lock outlives
 * a round trip and a worker that freezes between two of them holds none.
 *
 * They do what `_lease_steps.ts` does where nothing is unusual, and say so where something is: the caller then takes
 * those steps, with the job to itself. Whoever calls one of these shares the job.
 * @module
 */

/**
 * The functions of a ledger.
 * @param schema Quoted name of the schema that holds it.
 * @param lock Tells the locks of this ledger from those of others in the same database.
 */
export function workerFunctions(schema: string, lock: number): string {
  return `
-- The time in milliseconds since 1970: the server's, unless a test brings its own.
CREATE OR REPLACE FUNCTION ${schema}.ledger_now(given bigint) RETURNS bigint LANGUAGE sql VOLATILE AS $$
  SELECT coalesce(given, floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint)
$$;

-- Begins a transaction of several round trips. One that writes has its job to itself; whoever freezes in it loses it.
CREATE OR REPLACE FUNCTION ${schema}.begin_steps(of_job bigint, given bigint) RETURNS bigint
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM set_config('search_path', '${schema}', true),
    set_config('idle_in_transaction_session_timeout', '10s', true),
    set_config('lock_timeout', '60s', true);
  IF of_job IS NOT NULL THEN
    PERFORM pg_advisory_xact_lock(${lock}, of_job::integer);
  END IF;
  RETURN ${schema}.ledger_now(given);
END $$;

CREATE OR REPLACE FUNCTION ${schema}.lease_tasks(
  of_job bigint, by_worker text, most bigint, span bigint, given bigint,
  OUT answer text, OUT lease_fence bigint, OUT lease_first bigint, OUT lease_end bigint
) LANGUAGE plpgsql AS $$
DECLARE
  moment bigint;
  waiting bigint;
  leased bigint;
  next ${schema}.task_range;
BEGIN
  PERFORM pg_advisory_xact_lock_shared(${lock}, of_job::integer);
  moment := ${schema}.ledger_now(given);
  answer := 'steps';
  PERFORM FROM ${schema}.job WHERE job = of_job AND cancelled = 0;
  IF NOT FOUND THEN RETURN; END IF;
  PERFORM FROM ${schema}.lease WHERE job = of_job AND expires <= moment;
  IF FOUND THEN RETURN; END IF;

  -- Asked without a lock first: those who wait for others ask often, and write nothing.
  SELECT
    (SELECT phase FROM ${schema}.task_range WHERE job = of_job AND state = 'waiting'
     ORDER BY first_task LIMIT 1),
    (SELECT phase FROM ${schema}.task_range WHERE job = of_job AND state = 'leased'
     ORDER BY first_task LIMIT 1)
    INTO waiting, leased;
  IF leased < waiting OR waiting IS NULL THEN
    answer := CASE WHEN leased IS NULL THEN 'done' ELSE 'wait' END;
    RETURN;
  END IF;
  SELECT * INTO next FROM ${schema}.task_range WHERE job = of_job AND state = 'waiting'
    ORDER BY first_task LIMIT 1 FOR UPDATE SKIP LOCKED;
  IF NOT FOUND THEN
    -- Someone takes from the only range that waits: what is left of it is there in a moment.
    SELECT * INTO next FROM ${schema}.task_range WHERE job = of_job AND state = 'waiting'
      ORDER BY first_task LIMIT 1 FOR UPDATE;
  END IF;
  IF next.phase IS DISTINCT FROM waiting THEN
    answer := 'wait';
    RETURN;
  END IF;
  lease_first := next.first_task;
  lease_end := least(next.end_task, lease_first + most);
  IF lease_end < lease_first + most THEN
    -- Tasks that failed before may follow in a range of their own.
    PERFORM FROM ${schema}.task_range
      WHERE job = of_job AND first_task = lease_end AND state = 'waiting' AND phase = next.phase;
    IF FOUND THEN RETURN; END IF;
  END IF;

  UPDATE ${schema}.job SET fence = fence + 1 WHERE job = of_job RETURNING fence INTO lease_fence;
  IF lease_end = next.end_task THEN
    UPDATE ${schema}.task_range SET state = 'leased', fence = lease_fence
      WHERE job = of_job AND first_task = lease_first;
  ELSE
    UPDATE ${schema}.task_range SET first_task = lease_end
      WHERE job = of_job AND first_task = lease_first;
    INSERT INTO ${schema}.task_range VALUES (of_job, lease_first, lease_end, next.phase, 'leased',
      next.attempts, next.lapses, lease_fence, next.reason, next.died);
  END IF;
  INSERT INTO ${schema}.lease VALUES (of_job, lease_fence, lease_first, lease_end, by_worker, '',
    moment, moment + span, span);
  answer := 'leased';
END $$;

CREATE OR REPLACE FUNCTION ${schema}.extend_lease(of_job bigint, of_fence bigint, given bigint) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
  moment bigint;
BEGIN
  PERFORM pg_advisory_xact_lock_shared(${lock}, of_job::integer), set_config('synchronous_commit', 'off', true);
  moment := ${schema}.ledger_now(given);
  UPDATE ${schema}.lease SET expires = moment + milliseconds
    WHERE job = of_job AND fence = of_fence AND expires > moment;
  RETURN FOUND;
END $$;

CREATE OR REPLACE FUNCTION ${schema}.check_lease(of_job bigint, of_fence bigint, given bigint) RETURNS boolean
LANGUAGE sql VOLATILE AS $$
  SELECT EXISTS (SELECT FROM ${schema}.lease
    WHERE job = of_job AND fence = of_fence AND expires > ${schema}.ledger_now(given))
$$;

-- Two may change one range at once: whoever holds a task that failed under another's lease, which goes on around it, or
-- a worker that asks again over a new connection. The later one begins anew.
CREATE OR REPLACE FUNCTION ${schema}.begin_anew() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'another process changed the same range' USING ERRCODE = '40001';
END $$;

-- Makes one range of those that are done to either side of a task, unless a lease begins or ends there.
CREATE OR REPLACE FUNCTION ${schema}.join_ranges(of_job bigint, at bigint) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  pair record;
BEGIN
  PERFORM FROM ${schema}.lease WHERE job = of_job AND (first_task = at OR end_task = at);
  IF FOUND THEN RETURN; END IF;
  SELECT before.first_task, after.end_task INTO pair
    FROM ${schema}.task_range AS after
    CROSS JOIN LATERAL (
      SELECT first_task, state, phase FROM ${schema}.task_range
      WHERE job = of_job AND first_task < at ORDER BY first_task DESC LIMIT 1) AS before
    WHERE after.job = of_job AND after.first_task = at AND after.state = 'done'
      AND before.state = 'done' AND before.phase = after.phase;
  IF FOUND THEN
    DELETE FROM ${schema}.task_range
      WHERE job = of_job AND first_task = at AND end_task = pair.end_task;
    IF NOT FOUND THEN PERFORM ${schema}.begin_anew(); END IF;
    UPDATE ${schema}.task_range SET end_task = pair.end_task
      WHERE job = of_job AND first_task = pair.first_task AND end_task = at;
    IF NOT FOUND THEN PERFORM ${schema}.begin_anew(); END IF;
  END IF;
END $$;

-- Marks tasks in a row done. Ranges that are done grow together within their lease, where others seldom are; with what
-- lies around it they do so when it is over. All is on the server's disk within a second, without waiting for it:
-- what a crash of the server takes back is leased until it expires, and then done again, to the same bytes.
CREATE OR REPLACE FUNCTION ${schema}.acknowledge_tasks(
  of_job bigint, of_fence bigint, done_first bigint, done_end bigint,
  lost_tasks bigint[], lost_counts bigint[], given bigint
) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  moment bigint;
  held record;
  rest_before boolean;
  rest_after boolean;
  merged_end bigint := done_end;
BEGIN
  PERFORM pg_advisory_xact_lock_shared(${lock}, of_job::integer),
    set_config('synchronous_commit', 'off', true);
  moment := ${schema}.ledger_now(given);
  SELECT lease.first_task AS lease_first, lease.end_task AS lease_end, range.*,
      before.first_task AS before_first
    INTO held
    FROM ${schema}.lease
    CROSS JOIN LATERAL (
      SELECT first_task, end_task, phase, attempts, lapses, fence FROM ${schema}.task_range
      WHERE job = of_job AND first_task <= done_first ORDER BY first_task DESC LIMIT 1) AS range
    LEFT JOIN LATERAL (
      SELECT first_task, state FROM ${schema}.task_range
      WHERE job = of_job AND first_task < range.first_task AND first_task >= lease.first_task
      ORDER BY first_task DESC LIMIT 1) AS before ON before.state = 'done'
    WHERE lease.job = of_job AND lease.fence = of_fence AND lease.expires > moment
      AND range.fence = of_fence AND range.end_task >= done_end;
  IF NOT FOUND THEN RETURN false; END IF;
  rest_before := held.first_task < done_first;
  rest_after := done_end < held.end_task;

  IF NOT rest_after AND done_end < held.lease_end THEN
    DELETE FROM ${schema}.task_range WHERE job = of_job AND first_task = done_end AND state = 'done'
      RETURNING end_task INTO merged_end;
    merged_end := coalesce(merged_end, done_end);
  END IF;
  IF rest_before THEN
    UPDATE ${schema}.task_range SET end_task = done_first
      WHERE job = of_job AND first_task = held.first_task AND end_task = held.end_task;
  ELSIF rest_after THEN
    UPDATE ${schema}.task_range SET first_task = done_end
      WHERE job = of_job AND first_task = held.first_task AND end_task = held.end_task;
  ELSIF held.before_first IS NOT NULL THEN
    DELETE FROM ${schema}.task_range
      WHERE job = of_job AND first_task = held.first_task AND end_task = held.end_task;
  ELSE
    UPDATE ${schema}.task_range
      SET end_task = merged_end, state = 'done', attempts = 0, lapses = 0, fence = 0
      WHERE job = of_job AND first_task = held.first_task AND end_task = held.end_task;
  END IF;
  IF NOT FOUND THEN PERFORM ${schema}.begin_anew(); END IF;
  IF NOT rest_before AND held.before_first IS NOT NULL THEN
    UPDATE ${schema}.task_range SET end_task = merged_end
      WHERE job = of_job AND first_task = held.before_first AND end_task = held.first_task;
    IF NOT FOUND THEN PERFORM ${schema}.begin_anew(); END IF;
  ELSIF rest_before OR rest_after THEN
    INSERT INTO ${schema}.task_range
      VALUES (of_job, done_first, merged_end, held.phase, 'done', 0, 0, 0, '', 0);
  END IF;
  IF rest_before AND rest_after THEN
    INSERT INTO ${schema}.task_range VALUES (of_job, done_end, held.end_task, held.phase, 'leased',
      held.attempts, held.lapses, of_fence, '', 0);
  END IF;
  IF lost_tasks <> '{}' THEN
    INSERT INTO ${schema}.loss SELECT of_job, * FROM unnest(lost_tasks, lost_counts);
  END IF;
  IF rest_before OR rest_after THEN RETURN true; END IF;

  PERFORM FROM ${schema}.task_range WHERE job = of_job AND first_task >= held.lease_first
    AND first_task < held.lease_end AND fence = of_fence;
  IF FOUND THEN RETURN true; END IF;
  -- The lease is over. Those that end side by side do so one after the other.
  PERFORM pg_advisory_xact_lock(${lock} + 1, of_job::integer);
  DELETE FROM ${schema}.lease WHERE job = of_job AND fence = of_fence;
  PERFORM ${schema}.join_ranges(of_job, held.lease_first), ${schema}.join_ranges(of_job, held.lease_end);
  UPDATE ${schema}.job SET last_done = moment WHERE job = of_job;
  RETURN true;
END $$;
`;
}
