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

-- Marks a row of tasks done. Written to the server's disk within a second, without waiting for it: what a crash of
-- the server takes back is leased until it expires, and then done again, to the same bytes.
CREATE OR REPLACE FUNCTION ${schema}.acknowledge_tasks(
  of_job bigint, of_fence bigint, done_first bigint, done_end bigint,
  lost_tasks bigint[], lost_counts bigint[], given bigint
) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  moment bigint;
  held ${schema}.lease;
  old ${schema}.task_range;
  merged_end bigint;
  is_merged boolean := false;
  is_over boolean := false;
BEGIN
  PERFORM pg_advisory_xact_lock_shared(${lock}, of_job::integer), set_config('synchronous_commit', 'off', true);
  moment := ${schema}.ledger_now(given);
  SELECT * INTO held FROM ${schema}.lease WHERE job = of_job AND fence = of_fence AND expires > moment;
  IF NOT FOUND THEN RETURN false; END IF;
  SELECT * INTO old FROM ${schema}.task_range WHERE job = of_job AND first_task <= done_first
    ORDER BY first_task DESC LIMIT 1;
  IF NOT FOUND OR old.fence <> of_fence OR old.end_task < done_end THEN RETURN false; END IF;

  -- Ranges that are done grow together. One that somebody else changes at this moment is left as it is.
  merged_end := done_end;
  IF done_end = old.end_task THEN
    DELETE FROM ${schema}.task_range WHERE (job, first_task) = (
        SELECT job, first_task FROM ${schema}.task_range
        WHERE job = of_job AND first_task = done_end AND state = 'done' AND phase = old.phase
        FOR UPDATE SKIP LOCKED)
      RETURNING end_task INTO merged_end;
    IF NOT FOUND THEN merged_end := done_end; END IF;
  END IF;
  IF done_first = old.first_task THEN
    UPDATE ${schema}.task_range SET end_task = merged_end WHERE (job, first_task) = (
      SELECT job, first_task FROM (
        SELECT job, first_task, end_task, state, phase FROM ${schema}.task_range
        WHERE job = of_job AND first_task < done_first ORDER BY first_task DESC LIMIT 1) AS before
      WHERE end_task = done_first AND state = 'done' AND phase = old.phase);
    is_merged := FOUND;
  END IF;
  IF done_first = old.first_task AND done_end = old.end_task THEN
    IF is_merged THEN
      DELETE FROM ${schema}.task_range WHERE job = of_job AND first_task = old.first_task;
    ELSE
      UPDATE ${schema}.task_range
        SET end_task = merged_end, state = 'done', attempts = 0, lapses = 0, fence = 0
        WHERE job = of_job AND first_task = old.first_task;
    END IF;
    PERFORM FROM ${schema}.task_range
      WHERE job = of_job AND first_task >= held.first_task AND first_task < held.end_task AND fence = of_fence;
    is_over := NOT FOUND;
  ELSE
    IF done_first > old.first_task THEN
      UPDATE ${schema}.task_range SET end_task = done_first
        WHERE job = of_job AND first_task = old.first_task;
    ELSE
      UPDATE ${schema}.task_range SET first_task = done_end
        WHERE job = of_job AND first_task = old.first_task;
    END IF;
    IF NOT is_merged THEN
      INSERT INTO ${schema}.task_range
        VALUES (of_job, done_first, merged_end, old.phase, 'done', 0, 0, 0, '', 0);
    END IF;
    IF done_first > old.first_task AND done_end < old.end_task THEN
      INSERT INTO ${schema}.task_range VALUES (of_job, done_end, old.end_task, old.phase, 'leased',
        old.attempts, old.lapses, of_fence, old.reason, old.died);
    END IF;
  END IF;
  IF is_over THEN DELETE FROM ${schema}.lease WHERE job = of_job AND fence = of_fence; END IF;
  IF cardinality(lost_tasks) > 0 THEN
    INSERT INTO ${schema}.loss SELECT of_job, * FROM unnest(lost_tasks, lost_counts);
  END IF;
  -- Last, as all share the row of the job; while there is more to come, to the second.
  UPDATE ${schema}.job SET last_done = moment
    WHERE job = of_job AND last_done < CASE WHEN is_over THEN moment ELSE moment - 1000 END;
  RETURN true;
END $$;
`;
}
