package cardwatch.bench;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;
import org.slf4j.LoggerFactory;

/** An engine's life: it says {@code ready} once it runs, and ends on SIGTERM or when it has failed. */
final class Life {
  private static final int FAILURE = 1;

  private final CountDownLatch ended = new CountDownLatch(1);
  private final AtomicBoolean failed = new AtomicBoolean();
  private final AtomicBoolean told = new AtomicBoolean();

  void ready() {
    if (!told.getAndSet(true)) {
      System.out.println("ready");
    }
  }

  /** Says why it can't go on; what fails because it is ending already is no failure. */
  void fail(Throwable error) {
    if (ended.getCount() == 0) {
      return;
    }
    LoggerFactory.getLogger(Life.class).error("it can't go on", error);
    failed.set(true);
    ended.countDown();
  }

  /** Waits for the end, closes, and ends the process; {@code close} says whether all was in order. */
  void end(BooleanSupplier close) throws InterruptedException {
    Thread main = Thread.currentThread();
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(
                () -> {
                  ended.countDown();
                  try {
                    main.join(); // The machine ends with the code of `halt`, not of the signal.
                  } catch (InterruptedException error) {
                    main.interrupt();
                  }
                }));
    ended.await();
    boolean closed = close.getAsBoolean();
    System.out.flush();
    Runtime.getRuntime().halt(closed && !failed.get() ? 0 : FAILURE);
  }
}
