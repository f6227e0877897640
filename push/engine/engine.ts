/**
 * What keeps the versions of topics, and orders them.
 *
 * A hub holds in memory what its engine keeps: all topics with their newest
 * versions and their retained history. The engine gives each version its place in
 * one order for all topics, and tells every hub that shares it of each version, in
 * that order.
 *
 * @module
 */

/** One value of a topic. */
export interface Version {
  /** The topic. */
  readonly topic: string;
  /**
   * Its place in the order of all versions of all topics of the engine, from 1;
   * grows, not by one, within a topic.
   */
  readonly offset: number;
  /** The offset of the topic's version before it, 0 if it is the first. */
  readonly previous: number;
  /** When it was published, in milliseconds since the epoch. */
  readonly at: number;
  /** The value, as compact JSON text. */
  readonly data: string;
}

/** All that an engine keeps. */
export interface EngineState {
  /**
   * Names the sequence of offsets: letters and digits, 1 to 32. A cursor of
   * another epoch means nothing.
   */
  readonly epoch: string;
  /** The offset of the last version, 0 if there was none. */
  readonly offset: number;
  /** The retained versions of all topics, in the order of their offsets. */
  readonly versions: readonly Version[];
}

/** What an engine tells the hub that it was opened by. */
export interface EngineListener {
  /**
   * The next versions, in order and without a hole: whoever published them. A
   * hub's own ones are told before its `publish` resolves.
   */
  versions(versions: readonly Version[]): void;
  /**
   * The engine cannot say what the next version is: it has lost its store, was
   * given another one, or was out of reach for longer than its log reaches back.
   * This is all that there is now.
   */
  reload(state: EngineState): void;
  /** A topic was removed, by whichever hub. */
  removed(topic: string): void;
  /** What another hub that shares the engine has sent by {@linkcode Engine.signal}. */
  signal(message: string): void;
  /**
   * The engine is out of reach, or back; it begins within reach. With what went
   * wrong, for a log.
   */
  reachable(reachable: boolean, error?: unknown): void;
}

/** A value to publish. */
export interface EnginePublish {
  /** The topic; valid. */
  readonly topic: string;
  /** The value, as compact JSON text. */
  readonly data: string;
  /** Publishing again to the same topic with the same key does nothing. */
  readonly key?: string;
}

/** What became of a value. */
export interface EnginePublished {
  /** The offset of the version that it is, or was when its key was used first. */
  readonly offset: number;
  /** Whether it was published before, with this key. */
  readonly duplicate: boolean;
}

/** Keeps versions. Given to a hub, which opens and closes it; for one hub. */
export interface Engine {
  /** Its name, for logs: `"memory"`, `"sqlite"`, `"redis"`. */
  readonly name: string;
  /**
   * Begins. Nothing is told to the listener before this has resolved.
   *
   * @param listener Gets what happens from here on.
   * @returns What is kept so far.
   * @throws {ConnError} With code `"engine_unavailable"` if it is out of reach.
   */
  open(listener: EngineListener): Promise<EngineState>;
  /**
   * Keeps a version, and tells every hub. Versions of one hub are ordered as they
   * were published. When it resolves, the version is kept as well as the engine
   * can.
   *
   * @throws {ConnError} With code `"engine_unavailable"` (`reply` 503) if the
   * engine stays out of reach; the value may have been published all the same,
   * unless it never will be: publish again with the same key to be sure.
   */
  publish(publish: EnginePublish): Promise<EnginePublished>;
  /**
   * Versions of a topic up to this offset are not needed any more; never the
   * newest. When, and whether, they are dropped is the engine's affair.
   */
  trim(topic: string, offset: number): void;
  /** Drops a topic with all its versions, and tells every hub. */
  remove(topic: string): Promise<void>;
  /**
   * Tells the other hubs that share the engine, now, and keeps nothing; lost if
   * the engine is out of reach.
   */
  signal(message: string): void;
  /** Keeps what was published, and ends. */
  close(): Promise<void>;
}
