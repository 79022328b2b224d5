// SPDX-License-Identifier: MIT
// What the JVM learns by SIGSEGV, and mends itself: null pointers, full stacks, polls of threads at safepoints; and memory by
// malloc beside it: buffers outside the heap, compressors.
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.Deflater;

class Faults {
    static final class Node {
        int value;
        Node next;
    }

    static int sumOf(Node node) {
        return node.value + node.next.value;  // compiled, this reads address 12 of nothing
    }

    static int depth(int n) {
        return n + depth(n + 1) % 7;
    }

    static int pack(int round) {
        Deflater deflater = new Deflater(1 + round % 9);
        byte[] from = new byte[20000], to = new byte[30000];
        for (int i = 0; i < from.length; i++)
            from[i] = (byte) (i * round >> 3);
        deflater.setInput(from);
        deflater.finish();
        int length = deflater.deflate(to);
        deflater.end();
        return length > 0 ? 1 : 0;
    }

    public static void main(String[] arguments) throws Exception {
        int caught = 0, sum = 0;
        for (int i = 0; i < 200000; i++) {
            Node node = new Node();
            node.value = i & 1;
            if (i % 3 == 0) node.next = node;
            try {
                sum += sumOf(node);
            } catch (NullPointerException expected) {
                caught++;
            }
        }
        int full = 0;
        for (int i = 0; i < 5; i++) {
            try {
                depth(0);
            } catch (StackOverflowError expected) {
                full++;
            }
        }
        int[] packed = new int[4];
        List<Thread> threads = new ArrayList<>();
        for (int t = 0; t < packed.length; t++) {
            final int mine = t;
            threads.add(new Thread(() -> {
                for (int round = 0; round < 100; round++) {
                    packed[mine] += pack(round);
                    ByteBuffer.allocateDirect(1000 + round).putInt(0, round);
                }
            }));
        }
        for (Thread thread : threads)
            thread.start();
        for (Thread thread : threads)
            thread.join();
        System.gc();
        System.out.println(caught + " null pointers, sum " + sum + ", " + full + " full stacks, "
            + (packed[0] + packed[1] + packed[2] + packed[3]) + " packed");
    }
}
